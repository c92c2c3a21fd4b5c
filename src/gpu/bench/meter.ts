import type { GpuContext } from '../device';

/** What was asked of a device since the meter was read last. */
export interface GpuCounts {
  readonly dispatches: number;
  readonly passes: number;
  readonly submits: number;
  /** Buffers mapped for reading. */
  readonly readbacks: number;
}

export interface GpuMeter {
  /** The counts since the last call. */
  take(): GpuCounts;
  /** Puts the device's own methods back. */
  detach(): void;
}

/**
 * Counts what any code does on a device, by methods of its own in front of the device's: the code that is measured needs no change and no
 * counters. Costs a call a dispatch. Buffers that were made before are not seen.
 */
export function attachMeter({ device }: GpuContext): GpuMeter {
  let counts = { dispatches: 0, passes: 0, submits: 0, readbacks: 0 };
  const undo: (() => void)[] = [];
  undo.push(
    wrap(device, 'createCommandEncoder', (create) => (descriptor) => {
      const encoder = create(descriptor);
      wrap(encoder, 'beginComputePass', (begin) => (passDescriptor) => {
        counts.passes++;
        const pass = begin(passDescriptor);
        wrap(pass, 'dispatchWorkgroups', (dispatch) => (x, y, z) => {
          counts.dispatches++;
          dispatch(x, y, z);
        });
        wrap(pass, 'dispatchWorkgroupsIndirect', (dispatch) => (buffer, offset) => {
          counts.dispatches++;
          dispatch(buffer, offset);
        });
        return pass;
      });
      return encoder;
    }),
    wrap(device, 'createBuffer', (create) => (descriptor) => {
      const buffer = create(descriptor);
      if ((descriptor.usage & GPUBufferUsage.MAP_READ) !== 0) {
        wrap(buffer, 'mapAsync', (map) => (mode, offset, size) => {
          if ((mode & GPUMapMode.READ) !== 0) counts.readbacks++;
          return map(mode, offset, size);
        });
      }
      return buffer;
    }),
    wrap(device.queue, 'submit', (submit) => (buffers) => {
      counts.submits++;
      submit(buffers);
    }),
  );
  return {
    take: () => {
      const taken = counts;
      counts = { dispatches: 0, passes: 0, submits: 0, readbacks: 0 };
      return taken;
    },
    detach: () => {
      for (const step of undo) step();
    },
  };
}

type MethodsOf<T> = { [K in keyof T]: T[K] extends (...args: never[]) => unknown ? K : never }[keyof T];

/** Puts a method of the object's own in front of the one it inherits. Returns how to take it away again. */
export function wrap<T extends object, K extends MethodsOf<T>>(
  object: T,
  name: K,
  around: (original: T[K]) => T[K],
): () => void {
  const original: unknown = Reflect.get(object, name);
  if (typeof original !== 'function') throw new TypeError(`${String(name)} is no method`);
  const bound: T[K] = original.bind(object);
  Reflect.defineProperty(object, name, { value: around(bound), configurable: true, writable: true });
  return () => {
    Reflect.deleteProperty(object, name);
  };
}
