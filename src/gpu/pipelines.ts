import { fail, reasonOf, TracerError } from '../base/errors';
import type { GpuContext } from './device';
import { editedText } from '../ops/defect';
import { storageBindings, type KernelSpec, type KernelVariant } from '../ops/kernel-spec';
import { paramsBytes } from '../ops/kernel-params';
import { compileShader, shaderSource } from './shader-source';

/** How a dispatch says where its params lie: by a dynamic offset, or once and for all in its bind group, which records faster. */
export type ParamsAt = 'offset' | 'bound';

/** A compiled kernel variant. */
export interface Pipeline<K extends KernelSpec = KernelSpec> {
  readonly kernel: K;
  readonly variant: KernelVariant;
  readonly pipeline: GPUComputePipeline;
  readonly layout: GPUBindGroupLayout;
}

/** Pipelines of a device by what their variants say; and by the variants themselves, which asks for no text to be put together. */
interface Cache {
  readonly byText: Map<string, Promise<Pipeline>>;
  readonly byVariant: WeakMap<KernelVariant, Map<string, Promise<Pipeline>>>;
}

const caches = new WeakMap<GPUDevice, Cache>();

/**
 * Compiles a kernel variant, once for each device.
 * @throws TracerError `gpu-shader` (file, line, message), `gpu-limit` (more storage bindings than the device allows).
 */
export function getPipeline<K extends KernelSpec>(
  context: GpuContext,
  kernel: K,
  variant: KernelVariant,
  paramsAt: ParamsAt = 'offset',
): Promise<Pipeline<K>> {
  let cache = caches.get(context.device);
  if (cache === undefined) {
    cache = { byText: new Map(), byVariant: new WeakMap() };
    caches.set(context.device, cache);
  }
  const { byText, byVariant } = cache;
  // One object may be the variant of several kernels.
  const name = `${kernel.file} ${kernel.entry} ${paramsAt}`;
  const found = byVariant.get(variant) ?? new Map<string, Promise<Pipeline>>();
  byVariant.set(variant, found);
  const known = found.get(name) as Promise<Pipeline<K>> | undefined;
  if (known !== undefined) return known;
  const { includes = {}, consts = {}, constants = {}, edits = [] } = variant;
  const key = JSON.stringify([kernel.file, kernel.entry, includes, consts, constants, edits, paramsAt]);
  const pipeline =
    (byText.get(key) as Promise<Pipeline<K>> | undefined) ?? buildPipeline(context, kernel, variant, paramsAt);
  byText.set(key, pipeline);
  found.set(name, pipeline);
  // A failure may be the device's, not the kernel's: the next caller tries again.
  pipeline.catch(() => {
    byText.delete(key);
    found.delete(name);
  });
  return pipeline;
}

/**
 * {@link getPipeline}, uncached.
 * @throws TracerError `gpu-shader`, `gpu-limit`. RangeError where an edit of the variant does not fit the kernel's text.
 */
export async function buildPipeline<K extends KernelSpec>(
  context: GpuContext,
  kernel: K,
  variant: KernelVariant,
  paramsAt: ParamsAt = 'offset',
): Promise<Pipeline<K>> {
  const { device } = context;
  const storage = storageBindings(kernel);
  const allowed = device.limits.maxStorageBuffersPerShaderStage;
  if (storage.length > allowed) {
    throw fail(
      'gpu-limit',
      `${kernel.file} binds ${storage.length} storage buffers; this adapter allows ${allowed} (maxStorageBuffersPerShaderStage).`,
      'Use another browser or adapter.',
      { expected: allowed, actual: storage.length, file: kernel.file },
    );
  }
  const source = shaderSource(kernel.file, variant);
  const code = variant.edits === undefined ? source.code : editedText(source.code, variant.edits);
  const module = await compileShader(device, { ...source, code });
  const label = `${kernel.file} ${variant.id}`;
  const layout = device.createBindGroupLayout({
    label,
    entries: [
      ...storage.map(({ writable }, binding) => ({
        binding,
        visibility: GPUShaderStage.COMPUTE,
        buffer: { type: writable ? ('storage' as const) : ('read-only-storage' as const) },
      })),
      {
        binding: storage.length,
        visibility: GPUShaderStage.COMPUTE,
        buffer: {
          type: 'uniform',
          hasDynamicOffset: paramsAt === 'offset',
          minBindingSize: paramsBytes(kernel.params),
        },
      },
    ],
  });
  try {
    const pipeline = await device.createComputePipelineAsync({
      label,
      layout: device.createPipelineLayout({ label, bindGroupLayouts: [layout] }),
      compute: { module, entryPoint: kernel.entry, constants: { ...variant.constants } },
    });
    return { kernel, variant, pipeline, layout };
  } catch (error) {
    if (error instanceof TracerError) throw error;
    const message = reasonOf(error);
    throw fail(
      'gpu-shader',
      `${kernel.file}: the pipeline ${variant.id} was refused: ${message}`,
      'This is a defect in MoEscope or in the driver. Please report it with the browser, its version and the adapter.',
      { file: kernel.file, variant: variant.id, message },
      error,
    );
  }
}
