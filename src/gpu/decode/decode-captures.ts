import { nodeOf, rowLength, type ModelGraph, type Node } from '../../arch/graph';
import type { TokenPlan } from '../../fusions/plan-token';
import type { Capture } from '../../model/engine';
import type { StageId } from '../../model/stages';
import { captureOf } from '../engine/capture-rows';

/** What to capture of a decoded token. */
export interface DecodeCapture {
  readonly stages: readonly StageId[];
  /** Layers whose layer stages are captured; undefined: all. */
  readonly layers?: readonly number[] | undefined;
}

/** Where a kernel finds that nothing is captured; `shaders/fusions/lib/captures.wgsl` says the same. */
export const NOWHERE = 0xffffffff;

interface CapturePlace {
  readonly node: Node;
  readonly layer: number | undefined;
  /** First word of the captures buffer. */
  readonly at: number;
  readonly length: number;
  /** Whether it was asked for: others are made of it, or lie beside it. */
  readonly isWanted: boolean;
}

/** Where each captured stage of a token lies in the captures buffer. */
export class CapturePlan {
  readonly words: number;
  /** True when places change with the number of keys. */
  readonly growing: boolean;
  readonly #graph: ModelGraph;
  readonly #nKeys: number;
  readonly #places = new Map<string, CapturePlace>();

  constructor({ graph, parts }: TokenPlan, capture: DecodeCapture | undefined, nKeys: number) {
    this.#graph = graph;
    this.#nKeys = nKeys;
    let at = 0;
    let growing = false;
    const stages = new Set<string>(capture?.stages ?? []);
    const layers = capture?.layers === undefined ? undefined : new Set(capture.layers);
    for (const { section, captures, madeOf } of parts) {
      if (section.layer !== undefined && layers?.has(section.layer) === false) continue;
      for (const ids of captures.values()) {
        const isNeeded = (id: string): boolean =>
          stages.has(id) || [...madeOf].some(([made, source]) => source === id && stages.has(made));
        // Values that a kernel writes side by side are captured together.
        if (!ids.some(isNeeded)) continue;
        for (const id of ids) {
          const node = nodeOf(section, id);
          const length = rowLength(node.out, graph.sizes, nKeys);
          growing ||= length !== rowLength(node.out, graph.sizes, nKeys + 1);
          const { layer } = section;
          this.#places.set(stageKey(id, layer), { node, layer, at, length, isWanted: stages.has(id) });
          at += length;
        }
      }
    }
    this.words = at;
    this.growing = growing;
  }

  /** First word of a stage, for the params of its kernel. */
  place(stage: string, layer: number | undefined): number {
    return this.#places.get(stageKey(stage, layer))?.at ?? NOWHERE;
  }

  /** The captures of the buffer's words, in forward order: views of them, because a token's hundreds of copies cost more than the token. */
  captures(
    words: Uint32Array<ArrayBuffer>,
    position: number,
    kernels: ReadonlyMap<string, string>,
  ): readonly Capture[] {
    const captures: Capture[] = [];
    const step = { sizes: this.#graph.sizes, nKeys: this.#nKeys };
    for (const [key, { node, layer, at, length, isWanted }] of this.#places) {
      if (!isWanted) continue;
      const of = { ...step, kernel: kernels.get(key) };
      captures.push(captureOf(node.out, layer, [position], words.subarray(at, at + length), of));
    }
    return captures;
  }
}

/** A stage of a layer, or of the whole model. */
export function stageKey(stage: string, layer: number | undefined): string {
  return `${stage} ${String(layer)}`;
}
