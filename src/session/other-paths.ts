import { toErrorData } from '../base/errors';
import { divergedAt } from '../divergence/sentence';
import type { Coverage, CoveredPath, Culprit, Report } from '../divergence/report';
import type { GpuEngine, GpuEngineOptions } from '../gpu/engine/gpu-engine';
import type { KernelUse } from '../model/kernel-use';
import { parsePlan } from '../model/plan';
import { pathTitle, type RunPath } from '../model/run-paths';
import { stageSpec } from '../model/stages';
import { coverageOf, kernelsSince } from './coverage';
import type { SessionEvent } from './events';
import { BitsOfRun } from './repeat-run';
import { runSession } from './run-session';
import type { SessionInput } from './session-input';

/** Engines to try other ways of running with. */
export interface PathEngines {
  /** Another engine of the same model on the same device; the caller disposes of it. */
  open(options: Pick<GpuEngineOptions, 'budget' | 'submitMs' | 'fuseAttention'>): Promise<GpuEngine>;
  /** The engine of the run, where all weights came to the GPU meanwhile. */
  resident(): GpuEngine | undefined;
}

/** Of the weights' bytes, what a budget that forces evictions holds. */
const EVICTING_SHARE = 1 / 8;
/** Milliseconds of a submit where work is cut into many. */
const SHORT_MS = 1;
/** Tells what another run is at: the first has said all else. */
const TOLD: ReadonlySet<SessionEvent['type']> = new Set(['progress', 'cancelled', 'failed']);

/** What a way of running came to. */
interface Walked {
  readonly path: CoveredPath;
  readonly kernels: Coverage['kernels'];
  readonly wrong?: Culprit | undefined;
}

/**
 * Runs the prompt again in the ways of {@link RUN_PATHS} that have to give the same bits as the run that was judged, and adds to its report what came of
 * them. The first place that has other bits takes a match away: what is not the judged run is judged by nobody.
 * @param bits of the candidate's captures in the run that was judged
 */
export async function walkOtherPaths(
  input: SessionInput,
  report: Report,
  bits: BitsOfRun,
  engines: PathEngines,
): Promise<Report> {
  const walks: Walked[] = [];
  let weights = 0;
  const fresh = async (
    path: RunPath,
    options: Parameters<PathEngines['open']>[0],
    times = 1,
    stages = input.spec.stages,
  ): Promise<void> => {
    const engine = await engines.open(options);
    weights = engine.wholeBytes();
    try {
      walks.push(await walk({ ...input, spec: { ...input.spec, stages } }, path, engine, bits, times));
    } finally {
      await engine.dispose();
    }
  };
  // Once to fill the cache, and twice out of it: what is used again, and again.
  await fresh('again', {}, 3);
  await fresh('evictions', { budget: Math.max(1, Math.round(weights * EVICTING_SHARE)) }, 2);
  await fresh('slices', { submitMs: SHORT_MS });
  await fresh('tiled', { fuseAttention: true }, 1, withoutScores(input));
  const resident = engines.resident();
  walks.push(
    resident === undefined
      ? { path: { path: 'resident', ran: false, why: 'not all weights are on the GPU' }, kernels: [] }
      : await walk(input, 'resident', resident, bits, 1),
  );
  return withWalks(report, walks);
}

/** The stages of a run but those that attention need not store. */
function withoutScores({ spec, hparams }: SessionInput): string {
  const { stages } = parsePlan(spec, hparams, spec.tokens.length);
  return stages.filter((stage) => !stageSpec(stage).shape.includes('nKeys')).join();
}

/** The prompt on an engine, some times, its bits held to those that were judged. */
async function walk(
  input: SessionInput,
  path: RunPath,
  engine: GpuEngine,
  bits: BitsOfRun,
  times: number,
): Promise<Walked> {
  const before = engine.kernelUses?.() ?? [];
  try {
    for (let time = 0; time < times; time++) {
      const now = await bitsOf(input, engine);
      const others = bits.others(now).filter((place) => now.has(place));
      const [first] = others;
      if (first === undefined) continue;
      const { layer, stage, position } = first;
      const wrong: Culprit = {
        ...{ layer, stage, position, mode: 'free', metric: 'bits' },
        ...{ value: others.length, limit: 0 },
      };
      return { path: { path, ran: true, status: 'diverged' }, kernels: kernelsSince(before, uses(engine)), wrong };
    }
  } catch (error) {
    const { code, message } = toErrorData(error);
    if (code !== 'gpu-memory' && code !== 'gpu-limit') throw error;
    return { path: { path, ran: false, why: message }, kernels: [] };
  }
  const kernels = kernelsSince(before, uses(engine));
  if (path === 'tiled' && !kernels.some(({ kernel }) => kernel === 'fusions/attention_tiled'))
    return { path: { path, ran: false, why: 'its kernel does not take this model, or so few tokens' }, kernels };
  return { path: { path, ran: true, status: 'match' }, kernels };
}

function uses(engine: GpuEngine): readonly KernelUse[] {
  return engine.kernelUses?.() ?? [];
}

async function bitsOf(input: SessionInput, engine: GpuEngine): Promise<BitsOfRun> {
  const bits = new BitsOfRun();
  await runSession({
    ...input,
    spec: { ...input.spec, engines: input.spec.engines.slice(0, 1), mode: 'free', decode: 0, thorough: false },
    engines: { a: engine },
    openDecoder: undefined,
    onEvent: (event) => {
      if (TOLD.has(event.type)) input.onEvent(event);
    },
    onCapture: (_, captured) => {
      bits.add(captured);
    },
    reopen: undefined,
  });
  return bits;
}

function withWalks(report: Report, walks: readonly Walked[]): Report {
  const { coverage, verdict } = report;
  const paths = [...(coverage?.paths ?? []), ...walks.map(({ path }) => path)];
  const told = {
    ...report,
    coverage: coverageOf([...(coverage?.kernels ?? []), ...walks.flatMap(({ kernels }) => kernels)], paths),
  };
  const wrong = walks.find((one) => one.wrong !== undefined);
  if (verdict.status !== 'match') return told;
  if (wrong?.wrong === undefined) {
    const ran = paths.filter((path) => path.ran).length;
    return {
      ...told,
      verdict: { ...verdict, sentence: `${verdict.sentence}; ${ran} of ${paths.length} ways of running agree` },
    };
  }
  const sentence = `${divergedAt(wrong.wrong)}; the way of running: ${pathTitle(wrong.path.path)}`;
  return { ...told, verdict: { status: 'diverged', sentence, first: wrong.wrong } };
}

/** {@link runSession} and what follows it, with the bits of the candidate's captures. */
export async function runWithBits(
  input: SessionInput,
  run: (input: SessionInput) => Promise<Report>,
  engines: PathEngines,
): Promise<Report> {
  const [candidate] = input.spec.engines;
  const bits = new BitsOfRun();
  const report = await run({
    ...input,
    onEvent: (event) => {
      if (event.type !== 'done') input.onEvent(event);
    },
    onCapture: async (folder, captured) => {
      if (folder === candidate) bits.add(captured);
      await input.onCapture?.(folder, captured);
    },
  });
  const told = await walkOtherPaths(input, report, bits, engines);
  input.onEvent({ type: 'done', report: told });
  return told;
}
