import { throwIfAborted } from '../base/abort';
import type { GpuContext } from '../gpu/device';
import type { Pipeline } from '../gpu/pipelines';
import { buildEdited } from '../gpu/probe/run-alone';
import { shaderSource } from '../gpu/shader-source';
import type { Mutation } from './mutations';
import { runCase } from './run-selftest';
import type { SelftestCase } from './selftest-case';

/** Defects that compile while another runs. */
const COMPILE_AHEAD = 3;

/** How a defect fared. */
export interface MutationOutcome {
  readonly mutation: Mutation;
  /** The first case that turned red, and what it said; undefined: the defect survived. */
  readonly killedBy: { readonly shape: string; readonly note: string } | undefined;
}

/** The cases that may see a defect: those of its kernel and type whose text has its place, and that software adapters run, too. */
export function casesOf({ kernel, type, from }: Mutation, cases: readonly SelftestCase[]): readonly SelftestCase[] {
  return cases.filter(
    (one) =>
      one.kernel === kernel &&
      one.isExtra !== true &&
      (type === undefined || one.types.includes(type)) &&
      occurrences(shaderSource(one.spec.file, one.variant.includes).code, from) === 1,
  );
}

/**
 * Makes each defect in a kernel's text, one at a time, and runs the cases that meet it until one turns red.
 * @throws RangeError when no case's text has a defect's place exactly once. TracerError `gpu-shader` when the changed text does not compile:
 * a defect that the compiler sees proves nothing. `run-cancelled`.
 */
export async function runMutations(
  context: GpuContext,
  mutations: readonly Mutation[],
  cases: readonly SelftestCase[],
  options: { readonly signal?: AbortSignal; readonly onOutcome?: (outcome: MutationOutcome) => void } = {},
): Promise<readonly MutationOutcome[]> {
  const planned = mutations.map((mutation) => ({ mutation, groups: byPipeline(mutation, cases) }));
  const first = new Map<Mutation, Promise<Pipeline>>();
  const outcomes: MutationOutcome[] = [];
  for (const [i, { mutation, groups }] of planned.entries()) {
    for (const ahead of planned.slice(i, i + 1 + COMPILE_AHEAD)) {
      if (first.has(ahead.mutation)) continue;
      const pipeline = build(context, ahead.mutation, ahead.groups[0]);
      // Met where it is awaited.
      pipeline.catch(() => undefined);
      first.set(ahead.mutation, pipeline);
    }
    let killedBy: MutationOutcome['killedBy'];
    for (const [g, group] of groups.entries()) {
      throwIfAborted(options.signal);
      const compiling = (g === 0 ? first.get(mutation) : undefined) ?? build(context, mutation, group);
      killedBy = await firstRed(context, await compiling, group);
      if (killedBy !== undefined) break;
    }
    const outcome = { mutation, killedBy };
    outcomes.push(outcome);
    options.onOutcome?.(outcome);
  }
  return outcomes;
}

function build(
  context: GpuContext,
  { from, to }: Mutation,
  group: readonly SelftestCase[] | undefined,
): Promise<Pipeline> {
  const [one] = group ?? [];
  if (one === undefined) return Promise.reject(new RangeError('a defect without a case'));
  return buildEdited(context, one.spec, one.variant, (code) => code.replace(from, () => to));
}

async function firstRed(
  context: GpuContext,
  pipeline: Pipeline,
  group: readonly SelftestCase[],
): Promise<MutationOutcome['killedBy']> {
  for (const one of group) {
    const { status, note = '' } = await runCase(context, Promise.resolve(pipeline), one);
    if (status === 'fail') return { shape: one.shape, note };
  }
  return undefined;
}

/** A defect's cases, those of one pipeline together: each has to be compiled. */
function byPipeline(mutation: Mutation, cases: readonly SelftestCase[]): readonly (readonly SelftestCase[])[] {
  const own = casesOf(mutation, cases);
  if (own.length === 0) {
    const place = JSON.stringify(mutation.from);
    throw new RangeError(`no case of ${mutation.kernel} has exactly one ${place} in its text`);
  }
  const groups = new Map<string, SelftestCase[]>();
  for (const one of own) {
    const key = JSON.stringify([one.variant.includes, one.variant.constants]);
    groups.set(key, [...(groups.get(key) ?? []), one]);
  }
  return [...groups.values()];
}

function occurrences(text: string, part: string): number {
  return text.split(part).length - 1;
}
