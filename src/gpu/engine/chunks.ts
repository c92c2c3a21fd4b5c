import type { GpuContext } from '../device';
import { MAX_GROUPS } from '../../ops/kernel-grid';
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
  const { context, hparams, chunkTokens } = tools;
  const { nEmbd, qDim, kvDim, nExpert, nExpertUsed, nFfExp } = hparams;
  const widest = Math.max(nExpertUsed * Math.max(nEmbd, nFfExp), qDim + 2 * kvDim, nEmbd, nExpert);
  const scores = storesScores ? scoreRows(tools, nKeys) : Infinity;
  return Math.max(1, Math.min(chunkTokens, rowsWithin(context, widest), scores));
}

/** Tokens whose scores can be bound and are computed in one short dispatch. */
export function scoreRows({ context, hparams }: Tools, nKeys: number): number {
  const { nHead, headDim } = hparams;
  const operations = context.card.isSoftware ? ATTENTION_OPERATIONS.software : ATTENTION_OPERATIONS.hardware;
  return Math.max(
    1,
    Math.min(
      rowsWithin(context, nHead * nKeys),
      Math.floor(operations / (2 * nHead * headDim * nKeys)),
      Math.floor(MAX_GROUPS / nHead),
    ),
  );
}

/** Tokens of a chunk of the head. */
export function headChunkRows({ context, hparams, chunkTokens }: Tools): number {
  return Math.max(1, Math.min(chunkTokens, rowsWithin(context, Math.max(hparams.nVocab, hparams.nEmbd))));
}

function rowsWithin(context: GpuContext, width: number): number {
  return Math.floor(Math.min(BUFFER_BYTES, context.maxBindingBytes) / (4 * width));
}
