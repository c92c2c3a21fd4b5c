import { throwIfAborted } from '../base/abort';
import type { GpuContext } from '../gpu/device';
import { buildPipeline, type Pipeline } from '../gpu/pipelines';
import { shaderSource } from '../gpu/shader-source';
import { editsFit, type Defect } from '../ops/defect';
import { runCase } from './run-selftest';
import type { SelftestCase } from './selftest-case';

/** Defects that compile while another runs. */
const COMPILE_AHEAD = 3;

/** How a defect fared. */
export interface DefectOutcome {
  readonly defect: Defect;
  /** The first case that turned red, and what it said; undefined: the defect survived. */
  readonly killedBy: { readonly shape: string; readonly note: string } | undefined;
}

/** The cases that may see a defect: those of its kernel and type whose text has its place, and that software adapters run, too. */
export function casesOf({ kernel, type, edits }: Defect, cases: readonly SelftestCase[]): readonly SelftestCase[] {
  return cases.filter(
    (one) =>
      one.kernel === kernel &&
      one.isExtra !== true &&
      (type === undefined || one.types.includes(type)) &&
      editsFit(shaderSource(one.spec.file, one.variant).code, edits),
  );
}

/**
 * Makes each defect in a kernel's text, one at a time, and runs the cases that meet it until one turns red.
 * @throws RangeError when no case's text has a defect's place exactly once. TracerError `gpu-shader` when the changed text does not compile:
 * a defect that the compiler sees proves nothing. `run-cancelled`.
 */
export async function runDefects(
  context: GpuContext,
  defects: readonly Defect[],
  cases: readonly SelftestCase[],
  options: { readonly signal?: AbortSignal; readonly onOutcome?: (outcome: DefectOutcome) => void } = {},
): Promise<readonly DefectOutcome[]> {
  const planned = defects.map((defect) => ({ defect, groups: byPipeline(defect, cases) }));
  const first = new Map<Defect, Promise<Pipeline>>();
  const outcomes: DefectOutcome[] = [];
  for (const [i, { defect, groups }] of planned.entries()) {
    for (const ahead of planned.slice(i, i + 1 + COMPILE_AHEAD)) {
      if (first.has(ahead.defect)) continue;
      const pipeline = build(context, ahead.defect, ahead.groups[0]);
      // Met where it is awaited.
      pipeline.catch(() => undefined);
      first.set(ahead.defect, pipeline);
    }
    let killedBy: DefectOutcome['killedBy'];
    for (const [g, group] of groups.entries()) {
      throwIfAborted(options.signal);
      const compiling = (g === 0 ? first.get(defect) : undefined) ?? build(context, defect, group);
      killedBy = await firstRed(context, await compiling, group);
      if (killedBy !== undefined) break;
    }
    const outcome = { defect, killedBy };
    outcomes.push(outcome);
    options.onOutcome?.(outcome);
  }
  return outcomes;
}

function build(context: GpuContext, { edits }: Defect, group: readonly SelftestCase[] | undefined): Promise<Pipeline> {
  const [one] = group ?? [];
  if (one === undefined) return Promise.reject(new RangeError('a defect without a case'));
  return buildPipeline(context, one.spec, { ...one.variant, edits });
}

async function firstRed(
  context: GpuContext,
  pipeline: Pipeline,
  group: readonly SelftestCase[],
): Promise<DefectOutcome['killedBy']> {
  for (const one of group) {
    const { status, note = '' } = await runCase(context, Promise.resolve(pipeline), one);
    if (status === 'fail') return { shape: one.shape, note };
  }
  return undefined;
}

/** A defect's cases, those of one pipeline together: each has to be compiled. */
function byPipeline(defect: Defect, cases: readonly SelftestCase[]): readonly (readonly SelftestCase[])[] {
  const own = casesOf(defect, cases);
  if (own.length === 0) {
    const places = defect.edits.map(([from]) => JSON.stringify(from)).join(', ');
    throw new RangeError(`no case of ${defect.kernel} has each of these exactly once in its text: ${places}`);
  }
  const groups = new Map<string, SelftestCase[]>();
  for (const one of own) {
    const key = JSON.stringify([one.variant.includes, one.variant.consts, one.variant.constants]);
    groups.set(key, [...(groups.get(key) ?? []), one]);
  }
  return [...groups.values()];
}
