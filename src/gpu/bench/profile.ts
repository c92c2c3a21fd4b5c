import type { GpuContext } from '../device';
import { wrap } from './meter';

/** Time on the GPU of all dispatches of one kernel. */
export interface KernelTime {
  /** The pipeline's label. */
  readonly kernel: string;
  readonly dispatches: number;
  readonly microseconds: number;
}

export interface GpuProfile {
  /** Times since the last call, the longest first. Waits for the work submitted so far. */
  take(): Promise<readonly KernelTime[]>;
  /** Puts the device's own methods back. */
  detach(): void;
}

/** Timestamps of one set; WebGPU allows 4096. Two a dispatch. */
const SET_TIMESTAMPS = 4096;

interface Batch {
  readonly querySet: GPUQuerySet;
  /** Kernel of each pair of timestamps. */
  readonly kernels: string[];
}

/**
 * Times every dispatch by a compute pass of its own with a timestamp on either side, whatever code records it. Passes cost time, so that the sum
 * is more than the unprofiled run takes: shares count, not totals. Chrome rounds timestamps to 100 microseconds unless it is told not to.
 * @returns undefined when the device has no `timestamp-query`
 */
export function attachProfile(context: GpuContext): GpuProfile | undefined {
  if (!context.has('timestamp-query')) return undefined;
  const { device } = context;
  let batches: Batch[] = [];
  const batchWithRoom = (): Batch => {
    const last = batches.at(-1);
    if (last !== undefined && 2 * last.kernels.length + 2 <= SET_TIMESTAMPS) return last;
    const querySet = device.createQuerySet({ type: 'timestamp', count: SET_TIMESTAMPS });
    const batch = { querySet, kernels: [] };
    batches.push(batch);
    return batch;
  };
  const undo = wrap(device, 'createCommandEncoder', (create) => (descriptor) => {
    const encoder = create(descriptor);
    wrap(encoder, 'beginComputePass', (begin) => (passDescriptor) => {
      const outer = begin(passDescriptor);
      outer.end();
      splitPass(outer, (kernel) => {
        const batch = batchWithRoom();
        const at = 2 * batch.kernels.push(kernel) - 2;
        return begin({
          label: kernel,
          timestampWrites: {
            querySet: batch.querySet,
            beginningOfPassWriteIndex: at,
            endOfPassWriteIndex: at + 1,
          },
        });
      });
      return outer;
    });
    return encoder;
  });
  return {
    async take() {
      const done = batches;
      batches = [];
      const times = new Map<string, { dispatches: number; microseconds: number }>();
      for (const batch of done) {
        for (const [i, nanoseconds] of (await durations(context, batch)).entries()) {
          const kernel = batch.kernels[i] ?? '';
          const time = times.get(kernel) ?? { dispatches: 0, microseconds: 0 };
          times.set(kernel, {
            dispatches: time.dispatches + 1,
            microseconds: time.microseconds + nanoseconds / 1000,
          });
        }
        batch.querySet.destroy();
      }
      return [...times].map(([kernel, time]) => ({ kernel, ...time })).sort((a, b) => b.microseconds - a.microseconds);
    },
    detach: () => {
      undo();
      for (const { querySet } of batches) querySet.destroy();
    },
  };
}

/** Makes a pass that has ended record each dispatch in a pass that `begin` opens. What was set stays set from one to the next. */
function splitPass(outer: GPUComputePassEncoder, begin: (kernel: string) => GPUComputePassEncoder): void {
  let pipeline: GPUComputePipeline | undefined;
  const groups = new Map<number, (pass: GPUComputePassEncoder) => void>();
  const inItsOwn = (record: (pass: GPUComputePassEncoder) => void): void => {
    const pass = begin(pipeline?.label ?? '');
    if (pipeline !== undefined) pass.setPipeline(pipeline);
    for (const set of groups.values()) set(pass);
    record(pass);
    pass.end();
  };
  wrap(outer, 'setPipeline', () => (next) => {
    pipeline = next;
  });
  wrap(outer, 'setBindGroup', () => (index: number, group: GPUBindGroup | null | undefined, ...rest: unknown[]) => {
    // Offsets come as an array, or as a typed array with a range; they may be overwritten before the dispatch.
    const [offsets = [], start, length] = rest;
    const kept = offsetsOf(offsets, start, length);
    groups.set(index, (pass) => {
      pass.setBindGroup(index, group, kept);
    });
  });
  wrap(outer, 'dispatchWorkgroups', () => (x, y, z) => {
    inItsOwn((pass) => {
      pass.dispatchWorkgroups(x, y, z);
    });
  });
  wrap(outer, 'dispatchWorkgroupsIndirect', () => (buffer, offset) => {
    inItsOwn((pass) => {
      pass.dispatchWorkgroupsIndirect(buffer, offset);
    });
  });
  for (const name of ['end', 'popDebugGroup'] as const) wrap(outer, name, () => () => undefined);
  for (const name of ['pushDebugGroup', 'insertDebugMarker'] as const) wrap(outer, name, () => () => undefined);
}

function offsetsOf(offsets: unknown, start: unknown, length: unknown): readonly number[] {
  if (offsets instanceof Uint32Array) {
    const from = typeof start === 'number' ? start : 0;
    return [...offsets.subarray(from, typeof length === 'number' ? from + length : undefined)];
  }
  return Array.isArray(offsets) ? offsets.map(Number) : [];
}

/** Nanoseconds of each dispatch of a batch. */
async function durations(context: GpuContext, { querySet, kernels }: Batch): Promise<readonly number[]> {
  const { device } = context;
  const count = 2 * kernels.length;
  const size = 8 * count;
  const resolved = device.createBuffer({ size, usage: GPUBufferUsage.QUERY_RESOLVE | GPUBufferUsage.COPY_SRC });
  const staging = device.createBuffer({ size, usage: GPUBufferUsage.COPY_DST | GPUBufferUsage.MAP_READ });
  const encoder = device.createCommandEncoder();
  encoder.resolveQuerySet(querySet, 0, count, resolved, 0);
  encoder.copyBufferToBuffer(resolved, 0, staging, 0, size);
  device.queue.submit([encoder.finish()]);
  await staging.mapAsync(GPUMapMode.READ);
  const stamps = new BigUint64Array(staging.getMappedRange().slice(0));
  for (const buffer of [resolved, staging]) buffer.destroy();
  // A clock that ran backwards (some drivers do) counts as no time.
  return kernels.map((_, i) => Math.max(0, Number((stamps[2 * i + 1] ?? 0n) - (stamps[2 * i] ?? 0n))));
}
