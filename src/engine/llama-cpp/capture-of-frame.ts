import { fail } from '../../base/errors';
import type { HParams } from '../../model/hparams';
import type { Capture } from '../../model/engine';
import { shapeOf } from '../../arch/graph';
import { graphOf, stageIn, stageNode } from '../../model/graph-of';
import { scaleOf } from '../../model/graph-parameters';
import { findStage, type StageId } from '../../model/stages';
import { latentRows } from '../../trace/filed-layout';
import type { Frame } from './frames';
import type { CapturedValues } from './strided-values';
import { ATTN_SCORES, ATTN_SOFTMAX, LATENT_VALUES } from '../../model/stage-roles';

type CaptureFrame = Extract<Frame, { readonly type: 'capture' }>;

/** A capture of one run of the graph, before it is laid out. */
export interface RawCapture {
  readonly frame: CaptureFrame;
  readonly values: CapturedValues;
}

/** What a decode's raw are laid out by. */
export interface StepSizes {
  readonly hparams: HParams;
  readonly nPast: number;
  readonly nTokens: number;
}

/** Scores and probabilities of attention, whose keys ggml pads and whose heads it has first: (nHead, nTokens, keys). */
const KEYED: ReadonlySet<string> = new Set([ATTN_SCORES, ATTN_SOFTMAX]);

/**
 * The captures of a layer, or of the whole model, from what llama.cpp computed: all positions of the step, tokens first, shapes as the stage table says.
 * Scores are llama.cpp's product times the scale that its softmax applies inside, rounded once more to f32.
 * @throws TracerError `engine-layout` where a tensor has not as many elements as the stage
 */
export function layOutCaptures(raw: readonly RawCapture[], sizes: StepSizes): ReadonlyMap<StageId, Capture> {
  const byStage = new Map<string, RawCapture[]>();
  for (const capture of raw) {
    const list = byStage.get(capture.frame.stage) ?? [];
    byStage.set(capture.frame.stage, list);
    list.push(capture);
  }
  const captures = new Map<StageId, Capture>();
  for (const [name, parts] of byStage) {
    const stage = findStage(name);
    // Scores are of all keys, the masked ones too; an earlier micro-batch has none of the later ones' keys.
    if (stage === ATTN_SCORES && parts.length > 1) continue;
    if (stage !== undefined) captures.set(stage, layOut(stage, parts, sizes));
  }
  return captures;
}

function layOut(stage: StageId, parts: readonly RawCapture[], sizes: StepSizes): Capture {
  const { hparams, nPast, nTokens } = sizes;
  const layer = parts[0]?.frame.layer;
  const { shape, values } = stageIn(hparams, stage, layer);
  const step = { nTokens, nKeys: nPast + nTokens };
  const lengths = shapeOf(shape, graphOf(hparams).graph.sizes, step);
  const positions = Array.from({ length: nTokens }, (_, i) => nPast + i);
  const isIndex = values === 'index';
  const data = isIndex ? new Uint32Array(size(lengths)) : new Float32Array(size(lengths));
  if (KEYED.has(stage)) {
    const scale = stage === ATTN_SCORES ? attentionScale(hparams, layer) : undefined;
    fillKeyed(data, parts, sizes, scale);
    return { stage, layer, positions, shape: lengths, data };
  }
  // Tokens are the slowest axis here: runs of the graph follow each other.
  const held = parts.reduce((count, { values }) => count + values.length, 0);
  if (held !== data.length) throw unexpected(stage, lengths, parts);
  let at = 0;
  for (const { frame, values } of parts) {
    data.set(isLatent(frame, values) ? rowsOfHeads(frame, values) : values, at);
    at += values.length;
  }
  return { stage, layer, positions, shape: lengths, data };
}

/** Whether a part is what latent attention reads, which ggml holds with its heads first: (nHead, nTokens, kvRank). */
function isLatent({ stage }: CaptureFrame, values: CapturedValues): values is Float32Array<ArrayBuffer> {
  return stage === LATENT_VALUES && values instanceof Float32Array;
}

function rowsOfHeads({ ne: [length = 0, tokens = 0, heads = 0] }: CaptureFrame, data: Float32Array<ArrayBuffer>) {
  return latentRows({ stage: LATENT_VALUES, shape: [heads, tokens, length], data }).data;
}

/** Each part is (head, query, key) with keys padded to a multiple that the back end likes; queries of later runs see more keys. */
function fillKeyed(
  data: Capture['data'],
  parts: readonly RawCapture[],
  sizes: StepSizes,
  scale: number | undefined,
): void {
  const { nHead } = sizes.hparams;
  const nKeys = sizes.nPast + sizes.nTokens;
  let first = 0;
  for (const part of parts) {
    const [padded = 0, queries = 0, heads = 0] = part.frame.ne;
    const visible = sizes.nPast + first + queries;
    if (heads !== nHead || padded < visible || first + queries > sizes.nTokens)
      throw unexpected(part.frame.stage, [nHead, sizes.nTokens, nKeys], parts);
    for (let head = 0; head < nHead; head++) {
      for (let query = 0; query < queries; query++) {
        const from = (head * queries + query) * padded;
        const to = ((first + query) * nHead + head) * nKeys;
        for (let key = 0; key < visible; key++) {
          const value = part.values[from + key] ?? NaN;
          data[to + key] = scale === undefined ? value : value * scale;
        }
      }
    }
    first += queries;
  }
  if (first !== sizes.nTokens) throw unexpected(parts[0]?.frame.stage ?? '', [nHead, sizes.nTokens, nKeys], parts);
}

/** What llama.cpp's softmax multiplies scores by. */
function attentionScale(hparams: HParams, layer: number | undefined): number {
  const node = stageNode(hparams, ATTN_SCORES, layer);
  return scaleOf(node?.op === 'attention-scores' ? node.attrs.divisor : Math.sqrt(hparams.headDim));
}

function size(lengths: readonly number[]): number {
  return lengths.reduce((a, b) => a * b, 1);
}

function unexpected(stage: string, expected: readonly number[], parts: readonly RawCapture[]): Error {
  const found = parts.map(({ frame }) => `${frame.op} (${frame.ne.join(', ')})`).join(', ');
  return fail(
    'engine-layout',
    `llama.cpp's tensor for ${stage} is ${found}, where (${expected.join(', ')}) was expected.`,
    'This model or this llama.cpp computes the stage in another form: leave the stage out with --stages, and please report it.',
    { stage, expected: expected.join(', '), actual: found },
  );
}
