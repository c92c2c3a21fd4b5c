import { throwIfAborted } from '../base/abort';
import { TracerError, toErrorData } from '../base/errors';
import { TOOL } from '../base/version';
import type { GpuContext } from '../gpu/device';
import { subgroupLanes } from '../gpu/matmul/subgroup-lanes';
import { getPipeline, type Pipeline } from '../gpu/pipelines';
import { runAlone } from '../gpu/probe/run-alone';
import { describeFinding, describeStray } from './describe-finding';
import { judge, worseOf, type Judgement } from './expected';
import type { Needs, SelftestCase } from './selftest-case';
import { SELFTEST_SCHEMA, selftestVerdict, type SelftestReport, type SelftestRow } from './selftest-report';

/** Pipelines that compile while a case runs: as many as keep a software adapter's two cores busy. */
const COMPILE_AHEAD = 4;

export interface SelftestOptions {
  readonly runtime: SelftestReport['runtime'];
  readonly browser?: SelftestReport['browser'];
  /** Runs also what a software adapter leaves out. */
  readonly everything?: boolean;
  readonly signal?: AbortSignal;
  /** Called after every case. */
  readonly onRow?: (row: SelftestRow, done: number, total: number) => void;
}

/**
 * Runs every case on a device and compares it with its reference implementation. A kernel that the driver refuses, or that fails on the device, fails its cases;
 * a lost device ends the run.
 * @throws TracerError `gpu-lost`, `run-cancelled`
 */
export async function runSelftest(
  context: GpuContext,
  cases: readonly SelftestCase[],
  options: SelftestOptions,
): Promise<SelftestReport> {
  const started = performance.now();
  const rows: SelftestRow[] = [];
  const groups = await groupByPipeline(context, cases, options.everything === true);
  const compiling = new Map<Group, Promise<Pipeline>>();
  for (const [i, group] of groups.entries()) {
    for (const ahead of groups.slice(i, i + 1 + COMPILE_AHEAD)) {
      if (ahead.idle !== undefined || compiling.has(ahead)) continue;
      const [{ spec, variant }] = ahead.cases;
      const pipeline = getPipeline(context, spec, variant);
      // Met where it is awaited.
      pipeline.catch(() => undefined);
      compiling.set(ahead, pipeline);
    }
    for (const one of group.cases) {
      throwIfAborted(options.signal);
      const row = { ...named(one), ...(group.idle ?? (await runCase(context, compiling.get(group), one))) };
      rows.push(row);
      options.onRow?.(row, rows.length, cases.length);
    }
    compiling.delete(group);
  }
  return {
    schema: SELFTEST_SCHEMA,
    tool: TOOL,
    created: new Date().toISOString(),
    runtime: options.runtime,
    ...(options.browser === undefined ? {} : { browser: options.browser }),
    adapter: context.card,
    seconds: (performance.now() - started) / 1000,
    verdict: selftestVerdict(rows),
    rows,
  };
}

/** How a case went. */
type Outcome = Pick<SelftestRow, 'status' | 'ratio' | 'note'>;

/** Runs one case with a pipeline: the kernel's own, or a changed one. @throws TracerError `gpu-lost`. */
export async function runCase(
  context: GpuContext,
  pipeline: Promise<Pipeline> | undefined,
  { make }: SelftestCase,
): Promise<Outcome> {
  try {
    if (pipeline === undefined) throw new RangeError('no pipeline was compiled');
    const compiled = await pipeline;
    const work = make();
    const results = await runAlone(context, compiled, work);
    let judgement: Judgement = { ratio: 0, worst: undefined };
    for (const [output, { words, strayAt }] of Object.entries(results)) {
      if (strayAt !== undefined) return { status: 'fail', note: describeStray(output, strayAt, words.length) };
      const expected = work.expected[output];
      if (expected === undefined) throw new RangeError(`nothing is expected of ${output}`);
      const before = work.outputs[output];
      const own = judge(output, words, expected, typeof before === 'number' ? undefined : before);
      judgement = worseOf(judgement, own);
    }
    const { ratio } = judgement;
    const figures = Number.isFinite(ratio) ? { ratio } : {};
    if (ratio <= 1) return { status: 'pass', ...figures };
    return { status: 'fail', ...figures, note: describeFinding(judgement) };
  } catch (error) {
    // A defect of ours is none of the adapter's.
    if (!(error instanceof TracerError)) throw error;
    const { code, message } = toErrorData(error);
    if (code === 'gpu-lost' || code === 'run-cancelled') throw error;
    return { status: 'fail', note: `${code}: ${message}` };
  }
}

/** Cases of one pipeline, and why they do not run if they do not. */
interface Group {
  readonly cases: [SelftestCase, ...SelftestCase[]];
  readonly idle: Outcome | undefined;
}

async function groupByPipeline(
  context: GpuContext,
  cases: readonly SelftestCase[],
  everything: boolean,
): Promise<readonly Group[]> {
  const groups = new Map<string, Group>();
  const lanes = await subgroupLanes(context);
  for (const one of cases) {
    const { spec, variant } = one;
    const idle = unmet(context, lanes, one.needs) ?? leftOut(context, one, everything);
    const key = JSON.stringify([
      one.kernel,
      spec.file,
      variant.includes,
      variant.consts,
      variant.constants,
      idle?.note,
    ]);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { cases: [one], idle });
    else group.cases.push(one);
  }
  return [...groups.values()];
}

function unmet(context: GpuContext, lanes: number, needs: Needs = {}): Outcome | undefined {
  const note = unmetNeed(context, lanes, needs);
  return note === undefined ? undefined : { status: 'not-applicable', note };
}

function unmetNeed(context: GpuContext, lanes: number, needs: Needs): string | undefined {
  const { subgroups = false, subgroupLanes: wanted = 0, workgroupLanes = 0 } = needs;
  if (subgroups && !context.has('subgroups')) return 'needs the feature subgroups';
  if (wanted > lanes) {
    return `needs ${wanted} neighbouring lanes of a workgroup in one subgroup; this adapter is sure of ${lanes}`;
  }
  const { maxComputeInvocationsPerWorkgroup: most } = context.device.limits;
  if (workgroupLanes > most) return `needs workgroups of ${workgroupLanes} lanes; this adapter allows ${most}`;
  return undefined;
}

function leftOut({ card }: GpuContext, { isExtra = false }: SelftestCase, everything: boolean): Outcome | undefined {
  if (everything || !isExtra || !card.isSoftware) return undefined;
  return {
    status: 'left-out',
    note: 'a software adapter takes seconds to compile each of these pipelines; other cases run the same kernels and types',
  };
}

function named({ kernel, types, shape }: SelftestCase): Pick<SelftestRow, 'kernel' | 'types' | 'shape'> {
  return { kernel, types, shape };
}
