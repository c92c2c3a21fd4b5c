import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { sectionsOf } from '../../src/arch/graph';
import type { ReferenceStep, Capture } from '../../src/model/engine';
import { graphOf } from '../../src/model/graph-of';
import { locationKey } from '../../src/model/location';
import { EMBEDDING, LAYER_OUTPUT } from '../../src/model/stage-roles';
import { isBeforeLayers, type StageId } from '../../src/model/stages';
import { termsOf } from '../../src/model/weights';
import type { Trace } from '../../src/trace/trace';
import { fileDefects, type FileDefect } from './file-defects';
import { findCapture } from './captures';
import { openLiveJudge, PLAIN, type LiveJudge } from './live-judge';

/** What was to be seen of a defect, and what was. */
export interface MatrixRow {
  readonly id: string;
  readonly type: string;
  readonly n: number;
  /** Largest change of the stage's values over the bound of an honest engine, computed before llama.cpp read the damaged file. */
  readonly effect: number;
  readonly lit: boolean;
  /** Whether what is lit is that layer, stage, tensor and expert, and nothing else. */
  readonly exact: boolean;
  readonly ratio: number;
  readonly sentence: string;
}

/** The live run of the undamaged file, and the defects that can be tried on it with what each is expected to do. */
export interface Matrix {
  readonly judge: LiveJudge;
  readonly clean: Trace;
  readonly defects: readonly { readonly defect: FileDefect; readonly effect: number }[];
}

/** Everything that is known before a damaged file is run: the clean run, and each defect's effect on its stage. */
export async function planMatrix(
  path: string,
  tokens: readonly number[],
  folder: string,
  wanted: RegExp,
): Promise<Matrix> {
  const judge = await openLiveJudge(path);
  const { trace: clean } = await judge.run(tokens, PLAIN);
  const layer = judge.hparams.nLayer - 1;
  const chosen = mostChosen(clean, layer);
  const defects: { readonly defect: FileDefect; readonly effect: number }[] = [];
  for (const defect of fileDefects(judge.model, layer, chosen, tokens[1] ?? 0)) {
    if (!wanted.test(defect.id)) continue;
    damagedFile(path, defect, folder);
    defects.push({ defect, effect: await effectOf(judge, clean, join(folder, FILE), defect, tokens) });
  }
  return { judge, clean, defects };
}

/** Runs llama.cpp on the damaged file, and judges it by the undamaged one. */
export async function tryDefect(
  { judge }: Pick<Matrix, 'judge'>,
  { defect, effect }: Matrix['defects'][number],
  path: string,
  tokens: readonly number[],
  folder: string,
): Promise<MatrixRow> {
  damagedFile(path, defect, folder);
  const { trace } = await judge.run(tokens, { ...PLAIN, model: join(folder, FILE) });
  const { verdict } = await judge.judge(trace);
  const { first, others } = verdict;
  const stage = stageOf(judge, defect);
  const exact =
    first !== undefined &&
    others === undefined &&
    first.layer === defect.layer &&
    first.stage === stage &&
    first.tensor === defect.tensor &&
    (defect.experts === undefined || (first.expert !== undefined && defect.experts.includes(first.expert)));
  const ratio = typeof first?.value === 'number' ? first.value : 0;
  const { id, type, n } = defect;
  return { id, type, n, effect, lit: first !== undefined, exact, ratio, sentence: verdict.sentence };
}

const FILE = 'damaged.gguf';

function damagedFile(path: string, { apply }: FileDefect, folder: string): void {
  const bytes = new Uint8Array(readFileSync(path));
  apply(bytes);
  writeFileSync(join(folder, FILE), bytes);
}

/** The stage that reads a tensor. */
function stageOf({ hparams }: LiveJudge, { tensor }: FileDefect): StageId {
  const nodes = sectionsOf(graphOf(hparams).graph).flatMap((section) => section.nodes);
  const node = nodes.find(({ weights }) => weights.some(({ name }) => name === tensor));
  if (node === undefined) throw new Error(`nothing reads ${tensor}`);
  return node.out.id;
}

/** The change of the stage's values, in the run's own arithmetic, over f32's bound of them. */
async function effectOf(
  judge: LiveJudge,
  clean: Trace,
  damaged: string,
  defect: FileDefect,
  tokens: readonly number[],
): Promise<number> {
  const stage = stageOf(judge, defect);
  const other = await openLiveJudge(damaged);
  try {
    const engine = termsOf(stage, judge.hparams) === undefined ? 'exact' : 'quantised';
    const own = await alone(judge, judge[engine], clean, defect.layer, stage, tokens);
    const wrong = await alone(judge, other[engine], clean, defect.layer, stage, tokens);
    const { bound } = await alone(judge, judge.exact, clean, defect.layer, stage, tokens);
    let most = 0;
    for (const [i, value] of (own.exact ?? own.data).entries()) {
      const damagedValue = (wrong.exact ?? wrong.data)[i] ?? NaN;
      if (!Number.isFinite(damagedValue)) return Infinity;
      most = Math.max(most, Math.abs(damagedValue - value) / (bound?.[i] ?? NaN));
    }
    return most;
  } finally {
    await other.close();
  }
}

async function alone(
  { hparams }: LiveJudge,
  engine: LiveJudge['exact'],
  clean: Trace,
  layer: number | undefined,
  stage: StageId,
  tokens: readonly number[],
): Promise<Capture> {
  const at = tokens.map((_, i) => i);
  await engine.begin(Uint32Array.from(tokens), 0, { capture: new Map() });
  const before = layer === undefined ? hparams.nLayer : layer;
  const layerInput =
    before === 0 ? findCapture(clean, undefined, EMBEDDING) : findCapture(clean, before - 1, LAYER_OUTPUT);
  const captures = new Map(
    [...clean.captures.values()].flatMap((captured) =>
      captured.layer === layer ? [[captured.stage, captured] as const] : [],
    ),
  );
  const fed: ReferenceStep = { captures, layerInput: isBeforeLayers(stage) ? undefined : layerInput };
  const result = await engine.isolate(layer, fed, {
    capture: new Map([[stage, at]]),
    bounds: engine.id === 'cpu',
    exact: true,
  });
  const captured = result.captures.get(stage);
  if (captured === undefined) throw new Error(`no ${locationKey(layer, stage)}`);
  return captured;
}

function mostChosen(trace: Trace, layer: number): readonly [number, number] {
  const counts = new Map<number, number>();
  for (const expert of findCapture(trace, layer, 'moe_router_indices')?.data ?? [])
    counts.set(expert, (counts.get(expert) ?? 0) + 1);
  const [first = 0, second = 1] = [...counts].sort(([, a], [, b]) => b - a).map(([expert]) => expert);
  return [first, second];
}
