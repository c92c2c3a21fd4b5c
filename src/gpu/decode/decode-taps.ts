import type { Tap } from '../../model/engine';
import type { HParams } from '../../model/hparams';
import { stageSpec, type ActiveStageId } from '../../model/stages';
import { rowLength, stageShape } from './stage-sizes';

/** What the kernel of q, k and v writes side by side. */
const PROJECTIONS = ['q_proj', 'k_proj', 'v_proj'] as const;

/** What to capture of a decoded token. */
export interface DecodeCapture {
  readonly stages: readonly ActiveStageId[];
  /** Layers whose layer stages are captured; undefined: all. */
  readonly layers?: readonly number[] | undefined;
}

/** Where a kernel finds that nothing is captured; `shaders/decode/lib/taps.wgsl` says the same. */
export const NOWHERE = 0xffffffff;

interface TapPlace {
  readonly stage: ActiveStageId;
  readonly layer: number | undefined;
  /** First word of the taps buffer. */
  readonly at: number;
  readonly length: number;
  /** Whether it was asked for: the softmax of several splits is made from captured scores. */
  readonly wanted: boolean;
}

/** Where each captured stage of a token lies in the taps buffer. */
export class TapPlan {
  readonly words: number;
  /** True when places change with the number of keys. */
  readonly growing: boolean;
  readonly #hparams: HParams;
  readonly #nKeys: number;
  readonly #places = new Map<string, TapPlace>();

  constructor(hparams: HParams, capture: DecodeCapture | undefined, nKeys: number) {
    this.#hparams = hparams;
    this.#nKeys = nKeys;
    let at = 0;
    const add = (stage: ActiveStageId, layer: number | undefined, wanted: boolean): void => {
      const length = rowLength(stage, hparams, nKeys);
      this.#places.set(keyOf(stage, layer), { stage, layer, at, length, wanted });
      at += length;
    };
    const stages = new Set(capture?.stages ?? []);
    this.growing = stages.has('attn_scores') || stages.has('attn_softmax');
    const layers = capture?.layers ?? Array.from({ length: hparams.nLayer }, (_, l) => l);
    // One kernel writes the three side by side, in this order.
    if (PROJECTIONS.some((id) => stages.has(id))) {
      for (const layer of layers) for (const id of PROJECTIONS) add(id, layer, stages.has(id));
    }
    for (const stage of stages) {
      if (PROJECTIONS.some((id) => id === stage)) continue;
      // The logits are read from where the head writes them.
      if (stage === 'lm_head') continue;
      if (stageSpec(stage).scope === 'model') add(stage, undefined, true);
      else for (const layer of layers) add(stage, layer, true);
    }
    if (stages.has('attn_softmax') && !stages.has('attn_scores')) {
      for (const layer of layers) add('attn_scores', layer, false);
    }
    this.words = at;
  }

  /** First word of a stage, for the params of its kernel. */
  place(stage: ActiveStageId, layer?: number): number {
    return this.#places.get(keyOf(stage, layer))?.at ?? NOWHERE;
  }

  /** The taps of the buffer's words: views of them, because a token's hundreds of copies cost more than the token. */
  taps(words: Uint32Array<ArrayBuffer>, position: number): readonly Tap[] {
    const out: Tap[] = [];
    for (const { stage, layer, at, length, wanted } of this.#places.values()) {
      if (!wanted) continue;
      const some = words.subarray(at, at + length);
      const isIndex = stageSpec(stage).values === 'index';
      const data = isIndex ? some : new Float32Array(some.buffer, some.byteOffset, length);
      out.push({ stage, layer, positions: [position], shape: stageShape(stage, this.#hparams, 1, this.#nKeys), data });
    }
    return out;
  }
}

function keyOf(stage: ActiveStageId, layer: number | undefined): string {
  return `${stage} ${String(layer)}`;
}
