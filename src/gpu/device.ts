import { fail, TracerError } from '../base/errors';
import type { AdapterCard } from '../model/adapter-card';
import { whenUncaptured } from './uncaptured';
import { adapterCard, deviceDescriptor, requestAdapter, type AdapterChoice } from './adapter';

export interface OpenOptions {
  readonly adapter: AdapterChoice;
  /** `adapter` (the default): as much as the adapter offers. `default`: exactly WebGPU's default limits and no feature. */
  readonly limits?: 'adapter' | 'default';
  /** Whether an adapter's driver refuses memory that it does not have. Absent: none is known to. */
  readonly refusesMemory?: ((card: AdapterCard) => boolean) | undefined;
}

/**
 * Opens a device.
 * @throws TracerError `gpu-unavailable`, `gpu-adapter`.
 */
export async function openDevice(gpu: GPU | undefined, options: OpenOptions): Promise<GpuContext> {
  const adapter = await requestAdapter(gpu, options.adapter);
  const device = await adapter
    .requestDevice(deviceDescriptor(adapter, options.limits ?? 'adapter'))
    .catch((e: unknown) => {
      throw fail(
        'gpu-unavailable',
        'The GPU adapter gave no device.',
        'Reload the page, or restart the browser.',
        {},
        e,
      );
    });
  const context = new GpuContext(device, adapterCard(adapter.info, device));
  context.refusesMemory = options.refusesMemory?.(context.card) ?? false;
  return context;
}

/**
 * A device with its failures and its memory. Whatever goes wrong on the device surfaces as the rejection of the {@link step} in
 * progress, never on the console only.
 */
export class GpuContext {
  readonly device: GPUDevice;
  readonly card: AdapterCard;
  /** The driver refuses memory that it does not have. */
  refusesMemory = false;
  readonly #keepsDevice: boolean;
  readonly #sizes = new Map<GPUBuffer, number>();
  #bytes = 0;
  #peakBytes = 0;
  #lost: TracerError | undefined;
  #disposed = false;
  /** The first failure outside any error scope since the last step began. */
  #uncaptured: TracerError | undefined;
  readonly #forgetUncaptured: () => void;

  /** @param keepsDevice the device is another's to destroy: {@link dispose} frees what this context allocated, and no more */
  constructor(device: GPUDevice, card: AdapterCard, keepsDevice = false) {
    this.device = device;
    this.card = card;
    this.#keepsDevice = keepsDevice;
    void device.lost.then((info) => {
      if (!this.#disposed) this.#lost = lostError(info.message === '' ? info.reason : info.message);
    });
    this.#forgetUncaptured = whenUncaptured(device, (error) => {
      this.#uncaptured ??= toTracerError(error);
    });
  }

  /** Bytes of the buffers that are allocated now. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Most bytes that were ever allocated at once. */
  get peakBytes(): number {
    return this.#peakBytes;
  }

  /** The largest range of a buffer that one storage binding can show, in bytes. */
  get maxBindingBytes(): number {
    const { maxStorageBufferBindingSize, maxBufferSize } = this.device.limits;
    return Math.min(maxStorageBufferBindingSize, maxBufferSize);
  }

  has(feature: GPUFeatureName): boolean {
    return this.device.features.has(feature);
  }

  /**
   * Creates a buffer that counts towards {@link bytes}; the size is rounded up to 4.
   * A device out of memory fails the step in progress with `gpu-memory`.
   * @throws TracerError `gpu-limit` when the device allows no buffer of that size.
   */
  allocate(label: string, size: number, usage: GPUBufferUsageFlags): GPUBuffer {
    const bytes = Math.max(4, Math.ceil(size / 4) * 4);
    if (bytes > this.device.limits.maxBufferSize) {
      throw fail(
        'gpu-limit',
        `${label} needs a buffer of ${bytes} bytes; this adapter allows ${this.device.limits.maxBufferSize} (maxBufferSize).`,
        'Capture fewer positions, use a shorter prompt, or use an adapter with a higher limit.',
        { expected: this.device.limits.maxBufferSize, actual: bytes, buffer: label },
      );
    }
    const buffer = this.device.createBuffer({ label, size: bytes, usage });
    this.#sizes.set(buffer, bytes);
    this.#bytes += bytes;
    this.#peakBytes = Math.max(this.#peakBytes, this.#bytes);
    return buffer;
  }

  /** {@link allocate}, but a device out of memory gives undefined instead of failing the step. */
  async tryAllocate(label: string, size: number, usage: GPUBufferUsageFlags): Promise<GPUBuffer | undefined> {
    this.device.pushErrorScope('out-of-memory');
    let buffer: GPUBuffer;
    let outOfMemory: Promise<GPUError | null>;
    try {
      buffer = this.allocate(label, size, usage);
    } finally {
      outOfMemory = this.device.popErrorScope().catch(() => null);
    }
    if ((await outOfMemory) === null) return buffer;
    this.release(buffer);
    return undefined;
  }

  /** Destroys a buffer of {@link allocate}. Safe to call twice. */
  release(buffer: GPUBuffer): void {
    const bytes = this.#sizes.get(buffer);
    if (bytes === undefined) return;
    this.#sizes.delete(buffer);
    this.#bytes -= bytes;
    buffer.destroy();
  }

  /**
   * Runs `body` and turns whatever the device reports meanwhile into a rejection. `body` should end by awaiting a readback.
   * Steps of one context do not overlap.
   * @throws TracerError `gpu-lost`, `gpu-validation`, `gpu-memory`; otherwise what `body` throws.
   */
  async step<T>(body: () => Promise<T>): Promise<T> {
    if (this.#lost !== undefined) throw this.#lost;
    if (this.#disposed) throw lostError('the engine was disposed');
    this.#uncaptured = undefined;
    const filters: readonly GPUErrorFilter[] = ['validation', 'out-of-memory', 'internal'];
    for (const filter of filters) this.device.pushErrorScope(filter);
    let outcome: { readonly value: T } | { readonly error: unknown };
    try {
      outcome = { value: await body() };
    } catch (error) {
      outcome = { error };
    }
    const scoped = await Promise.all(filters.map(() => this.device.popErrorScope().catch(() => null)));
    const reported = scoped.find((e) => e !== null);
    const failure = this.#lost ?? (reported ? toTracerError(reported) : this.#uncaptured);
    // A cancelled or already well-described failure of the body says more than its echo on the device.
    if ('error' in outcome && (outcome.error instanceof TracerError || failure === undefined)) throw outcome.error;
    if (failure !== undefined) throw failure;
    if ('error' in outcome) throw outcome.error;
    return outcome.value;
  }

  /** Destroys the device and everything on it, or, where the device is another's, this context's buffers. Safe to call twice. */
  dispose(): void {
    this.#disposed = true;
    this.#forgetUncaptured();
    if (this.#keepsDevice) for (const buffer of this.#sizes.keys()) buffer.destroy();
    this.#sizes.clear();
    this.#bytes = 0;
    if (!this.#keepsDevice) this.device.destroy();
  }
}

function toTracerError(error: GPUError): TracerError {
  const name = error.constructor.name;
  if (name === 'GPUOutOfMemoryError') {
    return fail(
      'gpu-memory',
      `The GPU is out of memory: ${firstLine(error.message)}`,
      'Lower the GPU budget, capture fewer positions, or close other programs that use the GPU.',
      { reported: error.message },
    );
  }
  return fail(
    'gpu-validation',
    `The GPU refused a command: ${firstLine(error.message)}`,
    'This is a defect in MoEscope or in the driver. Please report it with the adapter and the model.',
    { reported: error.message },
  );
}

function lostError(reason: string): TracerError {
  return fail(
    'gpu-lost',
    `The GPU device was lost: ${reason.replace(/\.$/, '')}.`,
    'Run it again. If it happens again, lower the GPU budget or update the GPU driver.',
    { reason },
  );
}

function firstLine(message: string): string {
  return message.split('\n', 1)[0] ?? message;
}
