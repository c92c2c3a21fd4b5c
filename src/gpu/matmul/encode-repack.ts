import { ggmlType, rowBytes, type QuantType } from '../../gguf/ggml-types';
import type { GpuContext } from '../device';
import { linearGrid, type Grid } from '../../ops/kernel-grid';
import type { KernelSpec } from '../../ops/kernel-spec';
import { getPipeline, type Pipeline } from '../pipelines';
import type { ParamsOf } from '../../ops/kernel-params';
import type { BufferRange, Recorder } from '../recorder';
import { CHUNK, gpuRowWords, planeOffsets, weightLayout } from '../../ops/weight-layout';

/** One plane of rows, from ggml blocks to the kernels' layout. `params` mirrors the WGSL struct. */
export const REPACK_PLANE = {
  file: 'repack_plane.wgsl',
  entry: 'main',
  inputs: ['source'],
  weights: [],
  outputs: ['packed'],
  params: {
    count: 'u32',
    planeWords: 'u32',
    to: 'u32',
    rowWords: 'u32',
    sourceRow: 'u32',
    blockBytes: 'u32',
    blocks: 'u32',
    origin: 'u32',
    bytes: 'u32',
    stride: 'u32',
  },
  variants: [{ id: 'plain' }],
} as const satisfies KernelSpec;

/** Whether rows lie in GPU memory as they do in the file: then they need no repacking. */
export function isFileLayout(type: QuantType, nIn: number): boolean {
  const { planes } = weightLayout(type);
  return (
    planes.length === 1 && planes[0]?.bytes === planes[0]?.stride && rowBytes(type, nIn) === 4 * gpuRowWords(type, nIn)
  );
}

export function prepareRepack(context: GpuContext): Promise<Pipeline<typeof REPACK_PLANE>> {
  return getPipeline(context, REPACK_PLANE, REPACK_PLANE.variants[0]);
}

/**
 * Records what `repackRows` does on the CPU.
 * @param rows.source `nRows` rows as the file holds them
 * @param rows.to word of the target where the first row goes
 */
export function encodeRepack(
  recorder: Recorder,
  pipeline: Pipeline<typeof REPACK_PLANE>,
  rows: {
    readonly type: QuantType;
    readonly nIn: number;
    readonly nRows: number;
    readonly source: BufferRange;
    readonly target: BufferRange;
    readonly to: number;
  },
): void {
  const { source, target, ...shape } = rows;
  for (const { params, grid } of repackCalls(shape)) {
    recorder.dispatch(pipeline, { source, packed: target }, params, grid);
  }
}

/** What {@link encodeRepack} tells the kernel: one dispatch a plane. */
export function repackCalls({
  type,
  nIn,
  nRows,
  to,
}: {
  readonly type: QuantType;
  readonly nIn: number;
  readonly nRows: number;
  readonly to: number;
}): readonly { readonly params: ParamsOf<(typeof REPACK_PLANE)['params']>; readonly grid: Grid }[] {
  const { typeSize, blockSize } = ggmlType(type);
  const { offsets, rowBytes: gpuRow } = planeOffsets(type, nIn);
  const padded = blockSize === 1 ? Math.ceil(nIn / CHUNK) * CHUNK : nIn;
  return weightLayout(type).planes.map(({ from, bytes, stride }, i) => {
    const planeWords = Math.ceil(((padded / blockSize) * stride) / 16) * 4;
    const count = nRows * planeWords;
    const params = {
      count,
      planeWords,
      to: to + (offsets[i] ?? 0) / 4,
      rowWords: gpuRow / 4,
      sourceRow: rowBytes(type, nIn),
      blockBytes: typeSize,
      blocks: nIn / blockSize,
      origin: from,
      bytes,
      stride,
    };
    return { params, grid: linearGrid(count, 64) };
  });
}
