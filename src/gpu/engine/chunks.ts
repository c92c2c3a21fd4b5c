import type { GpuContext } from '../device';
import { MAX_GROUPS } from '../../ops/kernel-grid';
import { rowLength, sizeOf, type Section } from '../../arch/graph';
import { siblingsOf } from '../../fusions/side-by-side/fusion';
import type { Tools } from './stage-run';

/** Tokens of a step that are computed together. */
export interface Chunk {
  readonly index: number;
  /** First token of the step. */
  readonly first: number;
  readonly rows: number;
}

/** No buffer of a chunk is larger, so that a long prompt fits beside the weights. */
const BUFFER_BYTES = 128 * 2 ** 20;
/** Operations of one attention dispatch, which is not cut further: 100 ms or so (see pacer.ts). */
const ATTENTION_OPERATIONS = { hardware: 1e10, software: 2e7 };

/** Cuts `nTokens` into chunks of at most `atMost`, as equal as can be. */
export function cutChunks(nTokens: number, atMost: number): readonly Chunk[] {
  const count = Math.ceil(nTokens / atMost);
  const rows = Math.ceil(nTokens / count);
  return Array.from({ length: count }, (_, index) => {
    const first = index * rows;
    return { index, first, rows: Math.min(rows, nTokens - first) };
  });
}

/** Tokens of a layer's chunk: its largest buffer can be bound. One token always fits. */
export function layerChunkRows(tools: Tools, nKeys: number, storesScores: boolean): number {
  const scores = storesScores ? scoreRows(tools, nKeys) : Infinity;
  return Math.min(scores, ...tools.bound.graph.layers.map((layer) => sectionChunkRows(tools, layer)));
}

/** Tokens of a section whose values can be bound, those over all keys left out. One token always fits. */
export function sectionChunkRows({ context, bound, chunkTokens }: Tools, section: Section): number {
  const { sizes } = bound.graph;
  const values = section.nodes.map(({ out }) => out).filter(({ axes }) => !axes.includes('nKeys'));
  // Products of one input may lie side by side.
  const sums = siblingsOf(section).map((nodes) => nodes.reduce((sum, { out }) => sum + rowLength(out, sizes, 1), 0));
  const widest = Math.max(sizeOf(sizes, 'nEmbd'), ...values.map((value) => rowLength(value, sizes, 1)), ...sums);
  return Math.max(1, Math.min(chunkTokens, rowsWithin(context, widest)));
}

/** Tokens whose scores can be bound and are computed in one short dispatch. */
export function scoreRows({ context, bound }: Tools, nKeys: number): number {
  const operations = context.card.isSoftware ? ATTENTION_OPERATIONS.software : ATTENTION_OPERATIONS.hardware;
  let rows = Infinity;
  for (const node of bound.graph.layers.flatMap(({ nodes }) => nodes)) {
    const [q] = node.inputs;
    if (node.op !== 'attention-scores' || q === undefined) continue;
    const heads = sizeOf(bound.graph.sizes, q.axes[1] ?? '');
    const channels = rowLength(q, bound.graph.sizes, nKeys);
    rows = Math.min(
      rows,
      rowsWithin(context, heads * nKeys),
      Math.floor(operations / (2 * channels * nKeys)),
      Math.floor(MAX_GROUPS / heads),
    );
  }
  return Math.max(1, rows);
}

function rowsWithin(context: GpuContext, width: number): number {
  return Math.floor(Math.min(BUFFER_BYTES, context.maxBindingBytes) / (4 * width));
}
