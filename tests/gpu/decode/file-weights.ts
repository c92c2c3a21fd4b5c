import type { ModelFile } from '../../../src/gguf/model-file';
import { sectionsOf } from '../../../src/arch/graph';
import { bindModel } from '../../../src/arch/bind-model';
import type { DecodeWeights } from '../../../src/gpu/decode/decode-weights';
import type { GpuContext } from '../../../src/gpu/device';
import { gpuRowWords } from '../../../src/ops/weight-layout';
import type { PlacedRows } from '../../../src/gpu/weights/placed-rows';
import { Uploader } from '../../../src/gpu/weights/uploader';

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
  maxBytes = context.maxBindingBytes,
): Promise<DecodeWeights & { dispose(): void }> {
  const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST | GPUBufferUsage.COPY_SRC;
  const uploader = new Uploader(context, 'whole');
  const matrices = new Map<string, readonly PlacedRows[]>();
  const vectors = new Map<string, GPUBuffer>();
  const { graph, weight } = bindModel(model);
  for (const { nodes } of sectionsOf(graph)) {
    for (const slot of nodes.flatMap((node) => node.weights)) {
      const { tensor } = weight(slot);
      if (matrices.has(tensor.name)) continue;
      const [nIn = 1, nOut = 1, nExpert] = tensor.dims;
      if (tensor.dims.length === 1) {
        const buffer = context.allocate(tensor.name, 4 * nIn, usage);
        await uploader.upload([{ tensor, firstRow: 0, rows: 1, buffer, offset: 0 }], { model });
        vectors.set(tensor.name, buffer);
        continue;
      }
      const rowBytes = 4 * gpuRowWords(tensor.type, nIn);
      const placed: PlacedRows[] = [];
      for (const cut of cutTiles(nOut * (nExpert ?? 1), nExpert === undefined ? 1 : nOut, rowBytes, maxBytes)) {
        const buffer = context.allocate(tensor.name, cut.rows * rowBytes, usage);
        placed.push({ tensor, ...cut, buffer, offset: 0 });
      }
      await uploader.upload(placed, { model });
      matrices.set(tensor.name, placed);
    }
  }
  uploader.dispose();
  const found = <T>(all: ReadonlyMap<string, T>, name: string): T => {
    const one = all.get(name);
    if (one === undefined) throw new Error(`${name} was not uploaded`);
    return one;
  };
  return {
    matrix: (slot) => found(matrices, weight(slot).tensor.name),
    vector: (slot) => found(vectors, weight(slot).tensor.name),
    stacks: (slots) => slots.flatMap((slot) => found(matrices, weight(slot).tensor.name).map((rows) => [rows])),
    unfit: () => undefined,
    dispose() {
      for (const placed of matrices.values()) for (const { buffer } of placed) context.release(buffer);
      for (const buffer of vectors.values()) context.release(buffer);
    },
  };
}
