import { afterAll, expect } from 'vitest';
import { GpuContext } from '../../src/gpu/device';
import { ownContext } from './gpu';

/** A device that is lost when told so. */
export interface FragileDevice {
  readonly context: GpuContext;
  /** Command buffers that were submitted, readbacks included. */
  readonly submits: number;
  /** Takes the device away, now. */
  lose(): void;
}

export interface Fragility {
  /** The submit at which the device is lost, from 0; undefined: never. */
  readonly at?: number | undefined;
  /** Whether that submit still reaches the GPU. */
  readonly runs?: boolean;
}

/**
 * Opens devices that can be lost as WebGPU says it (section 22.1, "Lose the device"): `lost` resolves, buffers are destroyed, maps reject,
 * what is submitted is ignored, errors are no longer reported. All stand on one device that lives on, with the kernels that it compiled.
 */
export function fragileGpu(): (fragility?: Fragility) => Promise<FragileDevice> {
  let owner: Promise<GpuContext> | undefined;
  const shared = new Compiled();
  const uncaptured: string[] = [];
  afterAll(async () => {
    (await owner)?.dispose();
    expect(uncaptured, 'errors outside any step').toEqual([]);
  });
  const openOwner = async (): Promise<GpuContext> => {
    const context = await ownContext();
    context.device.addEventListener('uncapturederror', ({ error }) => uncaptured.push(error.message));
    return context;
  };
  return async (fragility = {}) => {
    owner ??= openOwner();
    const { device, card } = await owner;
    return fragile(device, shared, fragility, (proxy) => new GpuContext(proxy, card));
  };
}

/** Modules and pipelines of the device below, by what they were made of. */
class Compiled {
  readonly #modules = new Map<string, GPUShaderModule>();
  readonly #names = new WeakMap<GPUShaderModule, string>();
  readonly #pipelines = new Map<string, Promise<GPUComputePipeline>>();

  module(device: GPUDevice, descriptor: GPUShaderModuleDescriptor): GPUShaderModule {
    const found = this.#modules.get(descriptor.code) ?? device.createShaderModule(descriptor);
    this.#modules.set(descriptor.code, found);
    this.#names.set(found, descriptor.code);
    return found;
  }

  pipeline(device: GPUDevice, descriptor: GPUComputePipelineDescriptor): Promise<GPUComputePipeline> {
    const { module, entryPoint, constants } = descriptor.compute;
    const key = JSON.stringify([descriptor.label, entryPoint, constants, this.#names.get(module)]);
    const found = this.#pipelines.get(key) ?? device.createComputePipelineAsync(descriptor);
    this.#pipelines.set(key, found);
    return found;
  }
}

function fragile(
  device: GPUDevice,
  compiled: Compiled,
  { at, runs = false }: Fragility,
  contextOf: (proxy: GPUDevice) => GpuContext,
): FragileDevice {
  let submits = 0;
  let gone = false;
  let resolveLost: (info: GPUDeviceLostInfo) => void = () => undefined;
  const lost = new Promise<GPUDeviceLostInfo>((resolve) => {
    resolveLost = resolve;
  });
  const buffers = new Set<GPUBuffer>();
  const lose = (reason: GPUDeviceLostReason, message: string): void => {
    if (gone) return;
    gone = true;
    for (const buffer of buffers) buffer.destroy();
    buffers.clear();
    resolveLost({ reason, message, __brand: 'GPUDeviceLostInfo' });
  };
  const loseNow = (): void => {
    lose('unknown', `The device was lost at submit ${submits}.`);
  };

  const queue = withChanges(device.queue, {
    submit: (commands: Iterable<GPUCommandBuffer>) => {
      const strikes = submits++ === at;
      if (strikes && !runs) loseNow();
      if (!gone) device.queue.submit(commands);
      if (strikes) loseNow();
    },
    writeBuffer: (...write: Parameters<GPUQueue['writeBuffer']>) => {
      if (!gone) device.queue.writeBuffer(...write);
    },
  });
  const proxy = withChanges(device, {
    queue,
    lost,
    destroy: () => {
      lose('destroyed', 'The device was destroyed.');
    },
    createBuffer: (descriptor: GPUBufferDescriptor) => {
      const buffer = device.createBuffer(descriptor);
      if (gone) buffer.destroy();
      else buffers.add(buffer);
      return buffer;
    },
    createShaderModule: (descriptor: GPUShaderModuleDescriptor) => compiled.module(device, descriptor),
    createComputePipelineAsync: (descriptor: GPUComputePipelineDescriptor) => compiled.pipeline(device, descriptor),
    popErrorScope: async () => {
      const error = await device.popErrorScope();
      return gone ? null : error;
    },
    // Errors outside any step are gathered from the device below.
    addEventListener: () => undefined,
  });
  return {
    context: contextOf(proxy),
    get submits() {
      return submits;
    },
    lose: loseNow,
  };
}

/** The same object, with other members here and there. Methods of objects outside JavaScript insist on their own `this`. */
function withChanges<T extends object>(target: T, changes: object): T {
  return new Proxy(target, {
    get: (_, name): unknown => {
      const value: unknown = name in changes ? Reflect.get(changes, name) : Reflect.get(target, name, target);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}
