import type { ModelFile } from '../../../src/gguf/model-file';
import type { DecodeMatrix, DecodeWeights } from '../../../src/gpu/decode/decode-weights';
import type { GpuContext } from '../../../src/gpu/device';
import { gpuRowWords } from '../../../src/gpu/matmul/weight-layout';
import { Uploader } from '../../../src/gpu/weights/uploader';
import type { HParams } from '../../../src/model/hparams';
import { findWeight, isOfLayer, WEIGHT_ROLES, weightName } from '../../../src/model/weights';

/** Whole units of rows in as few tiles as `maxBytes` allows; one unit at least. */
export function cutTiles(
  rows: number,
  unit: number,
  rowBytes: number,
  maxBytes: number,
): readonly { readonly firstRow: number; readonly rows: number }[] {
  const units = rows / unit;
  const count = Math.ceil(units / Math.max(1, Math.floor(maxBytes / (unit * rowBytes))));
  const each = Math.ceil(units / count) * unit;
  return Array.from({ length: count }, (_, i) => ({ firstRow: i * each, rows: Math.min(each, rows - i * each) }));
}

/** All weights of a small model on the GPU, tensor by tensor; tiles of at most `maxBytes`. */
export async function fileWeights(
  context: GpuContext,
  model: ModelFile,
  hparams: HParams,
  maxBytes = context.maxBindingBytes,
): Promise<DecodeWeights & { dispose(): void }> {
  const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST | GPUBufferUsage.COPY_SRC;
  const uploader = new Uploader(context, 'whole');
  const matrices = new Map<string, DecodeMatrix>();
  const vectors = new Map<string, GPUBuffer>();
  for (const role of WEIGHT_ROLES) {
    const layers = isOfLayer(role) ? hparams.nLayer : 1;
    for (let layer = 0; layer < layers; layer++) {
      const tensor = findWeight(model, hparams, role, layer);
      if (matrices.has(tensor.name)) continue;
      const [nIn = 1, nOut = 1, nExpert] = tensor.dims;
      if (tensor.dims.length === 1) {
        const buffer = context.allocate(tensor.name, 4 * nIn, usage);
        await uploader.upload([{ tensor, firstRow: 0, rows: 1, buffer, offset: 0 }], { model });
        vectors.set(tensor.name, buffer);
        continue;
      }
      const rowBytes = 4 * gpuRowWords(tensor.type, nIn);
      const tiles = [];
      for (const cut of cutTiles(nOut * (nExpert ?? 1), nExpert === undefined ? 1 : nOut, rowBytes, maxBytes)) {
        const buffer = context.allocate(tensor.name, cut.rows * rowBytes, usage);
        await uploader.upload([{ tensor, ...cut, buffer, offset: 0 }], { model });
        tiles.push({ buffer, ...cut });
      }
      matrices.set(tensor.name, { type: tensor.type, tiles });
    }
  }
  uploader.dispose();
  const found = <T>(all: ReadonlyMap<string, T>, name: string): T => {
    const one = all.get(name);
    if (one === undefined) throw new Error(`${name} was not uploaded`);
    return one;
  };
  return {
    matrix: (role, layer) => found(matrices, weightName(role, layer, hparams)),
    vector: (role, layer) => found(vectors, weightName(role, layer, hparams)),
    dispose() {
      for (const { tiles } of matrices.values()) for (const { buffer } of tiles) context.release(buffer);
      for (const buffer of vectors.values()) context.release(buffer);
    },
  };
}
