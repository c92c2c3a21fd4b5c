import type { AdapterCard } from '../divergence/report';
import type { ModelFile, TensorInfo } from '../gguf/model-file';
import type { HParams } from '../model/hparams';
import { weightSlots } from '../model/weights';

/** What a run will cost, known from the header alone. Bytes. */
export interface RunCost {
  /** The most that one run of both engines reads: every expert chosen in every layer. */
  readonly readBytes: number;
  /** GPU weights with everything resident. */
  readonly gpuWantBytes: number;
  /** GPU weights that must be there at once: one layer's attention with the next one's prefetched, and one expert of each kind. */
  readonly gpuNeedBytes: number;
  /** What the reference's workers hold at once. */
  readonly cpuNeedBytes: number;
  /** The tensor with the largest single binding, after the head is tiled by rows. */
  readonly largest: { readonly tensor: string; readonly bytes: number; readonly allowedBytes: number | undefined };
}

/** A worker's current slices, rows before and after dequantisation: measured, rounded up. */
const CPU_WORKER_BYTES = 32 * 1024 * 1024;

/** Bytes of the captures and activations of one step at a typical prompt; exact figures come with the report. */
const CPU_BASE_BYTES = 64 * 1024 * 1024;

/** Estimates a run's cost. `embedding` rows are read one a token, so the table itself does not count unless it is also the head. */
export function runCost(
  model: ModelFile,
  hparams: HParams,
  adapter: AdapterCard | undefined,
  workers: number,
): RunCost {
  const tensors = weightTensors(model, hparams);
  const total = sum(tensors);
  const attention = Array.from({ length: hparams.nLayer }, (_, l) => sum(tensors.filter((t) => dense(t, l))));
  const experts = tensors
    .filter((t) => t.dims.length === 3)
    .map((t) => ({ tensor: t.name, bytes: Math.ceil(t.bytes / (t.dims[2] ?? 1)) }));
  const largestExpert = experts.reduce((x, y) => Math.max(x, y.bytes), 0);
  const candidates = [
    ...tensors
      .filter((t) => t.dims.length < 3 && t.name.startsWith('blk.'))
      .map((t) => ({ tensor: t.name, bytes: t.bytes })),
    ...experts,
  ];
  const largest = candidates.reduce((x, y) => (y.bytes > x.bytes ? y : x), { tensor: '', bytes: 0 });
  return {
    readBytes: 2 * total,
    gpuWantBytes: total,
    gpuNeedBytes: 2 * attention.reduce((x, y) => Math.max(x, y), 0) + 3 * largestExpert,
    cpuNeedBytes: CPU_BASE_BYTES + workers * CPU_WORKER_BYTES,
    largest: { ...largest, allowedBytes: adapter?.limits['maxStorageBufferBindingSize'] },
  };
}

/** The tensors that a run reads in full; a file may hold others that nobody reads. */
function weightTensors(model: ModelFile, hparams: HParams): readonly TensorInfo[] {
  const names = new Set<string>();
  for (const { role, name, tiedTo, fusedWith } of weightSlots(hparams)) {
    if (role === 'token_embd') continue;
    names.add(model.tensors.has(name) ? name : (tiedTo ?? fusedWith?.name ?? name));
  }
  return [...model.tensors.values()].filter((t) => names.has(t.name));
}

function dense(tensor: TensorInfo, layer: number): boolean {
  return tensor.name.startsWith(`blk.${layer}.`) && tensor.dims.length < 3;
}

function sum(tensors: readonly TensorInfo[]): number {
  return tensors.reduce((bytes, t) => bytes + t.bytes, 0);
}
