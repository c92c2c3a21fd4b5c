import { getHeapStatistics } from 'node:v8';

/** What reading one case cost. */
export interface Cost {
  /** Milliseconds: wall time, or the process's processor time where that is less, because the machine had other work. */
  readonly ms: number;
  /** Bytes of all array buffers that were made meanwhile, whether or not they are still there. */
  readonly buffers: number;
  /** Growth of the JavaScript heap, bytes; undefined where garbage was collected meanwhile. */
  readonly heap: number | undefined;
}

let buffers = 0;

/**
 * Counts the bytes of every ArrayBuffer from now on: constructors and what makes buffers of others are replaced. When this file is
 * loaded, which must be before anything that keeps a constructor of its own (fflate does).
 */
function countBuffers(): void {
  const typed = [Uint8Array, Int8Array, Uint16Array, Int16Array, Uint32Array, Int32Array, Float32Array, Float64Array];
  for (const Type of [ArrayBuffer, ...typed, BigUint64Array, BigInt64Array]) {
    const counted = new Proxy(Type, {
      construct(target, args: unknown[], newTarget): object {
        const made: unknown = Reflect.construct(target, args, newTarget);
        // A view of a buffer makes none.
        if (!(args[0] instanceof ArrayBuffer)) buffers += bytesOf(made);
        return typeof made === 'object' && made !== null ? made : {};
      },
    });
    Reflect.set(globalThis, Type.name, counted);
  }
  const TypedArray = Reflect.getPrototypeOf(Uint8Array.prototype);
  countMethods(ArrayBuffer.prototype, ['slice', 'transfer', 'transferToFixedLength']);
  // What these make comes from the engine's own constructors.
  if (TypedArray !== null) countMethods(TypedArray, ['slice', 'map', 'filter', 'toSorted', 'toReversed', 'with']);
  countMethods(TextEncoder.prototype, ['encode']);
}

function countMethods(prototype: object, names: readonly string[]): void {
  for (const name of names) {
    const method: unknown = Reflect.get(prototype, name);
    if (typeof method !== 'function') continue;
    Reflect.set(prototype, name, function counting(this: unknown, ...args: unknown[]): unknown {
      const made: unknown = Reflect.apply(method, this, args);
      buffers += bytesOf(made);
      return made;
    });
  }
}

function bytesOf(value: unknown): number {
  return value instanceof ArrayBuffer || ArrayBuffer.isView(value) ? value.byteLength : 0;
}

countBuffers();

/** Does the work and says what it cost. The work's own error is thrown on. */
export async function measured<T>(work: () => T | Promise<T>): Promise<{ readonly value: T; readonly cost: Cost }> {
  const buffersBefore = buffers;
  const heapBefore = getHeapStatistics().used_heap_size;
  const processor = process.cpuUsage();
  const started = performance.now();
  const value = await work();
  const wall = performance.now() - started;
  const { user, system } = process.cpuUsage(processor);
  const ms = Math.min(wall, (user + system) / 1000);
  const heap = getHeapStatistics().used_heap_size - heapBefore;
  return { value, cost: { ms, buffers: buffers - buffersBefore, heap: heap < 0 ? undefined : heap } };
}
