import { Arena } from './arena';
import type { GpuContext } from './device';
import type { Grid } from '../ops/kernel-grid';
import { storageBindings, type BindingName, type KernelSpec } from '../ops/kernel-spec';
import { paramsBytes, writeParams, type ParamsOf } from '../ops/kernel-params';
import type { Pipeline } from './pipelines';

/** A range of a buffer; `offset` is a multiple of 256, `size` of 4. Both left out: the whole buffer. */
export interface BufferRange {
  readonly buffer: GPUBuffer;
  readonly offset?: number;
  readonly size?: number;
}

/** Bind groups that are kept for the next dispatch that binds the same. */
const MAX_BIND_GROUPS = 4096;

/** Bind groups that share the buffers of their first bindings: found without a key that would have to be written for each dispatch. */
class GroupNode {
  readonly #next = new Map<GPUBuffer, GroupNode>();
  /** Those of exactly these buffers, with the ranges that they show. */
  readonly groups: { readonly bound: readonly GPUBufferBinding[]; readonly group: GPUBindGroup }[] = [];

  next(buffer: GPUBuffer): GroupNode {
    let next = this.#next.get(buffer);
    if (next === undefined) this.#next.set(buffer, (next = new GroupNode()));
    return next;
  }
}

/** Collects dispatches and copies and submits them as one command buffer. */
export class Recorder {
  readonly #context: GpuContext;
  readonly #params: Arena;
  readonly #tables: Arena;
  #encoder: GPUCommandEncoder | undefined;
  #pass: GPUComputePassEncoder | undefined;
  #afterSubmit: (() => void)[] = [];
  /** By layout, then by the buffer of each binding in turn. */
  #groups = new Map<GPUBindGroupLayout, GroupNode>();
  #groupCount = 0;

  /** Told of every dispatch that is recorded. */
  onDispatch: ((pipeline: Pick<Pipeline, 'kernel' | 'variant'>) => void) | undefined;

  constructor(context: GpuContext) {
    this.#context = context;
    this.#params = new Arena(context, 'params', GPUBufferUsage.UNIFORM, 64 * 1024);
    this.#tables = new Arena(context, 'tables', GPUBufferUsage.STORAGE, 256 * 1024);
  }

  /** Puts words (work lists) where the commands recorded until the next submit can read them. */
  table(words: Uint32Array<ArrayBuffer>): BufferRange {
    const size = Math.max(4, words.byteLength);
    const slot = this.#tables.place(size, (view) => {
      new Uint32Array(view.buffer, view.byteOffset, words.length).set(words);
    });
    return { ...slot, size };
  }

  /** Records one dispatch. A grid with a zero does nothing. */
  dispatch<K extends KernelSpec>(
    pipeline: Pipeline<K>,
    bindings: Readonly<Record<BindingName<K>, BufferRange>>,
    params: ParamsOf<K['params']>,
    grid: Grid,
  ): void {
    const [x, y = 1, z = 1] = grid;
    if (x * y * z === 0) return;
    const { kernel } = pipeline;
    this.onDispatch?.(pipeline);
    const size = paramsBytes(kernel.params);
    const slot = this.#params.place(size, (view) => {
      writeParams(kernel.params, params, view);
    });
    const group = this.#bindGroup(pipeline, bindings, slot.buffer, size);
    this.#pass ??= this.#commands().beginComputePass({ label: kernel.file });
    this.#pass.setPipeline(pipeline.pipeline);
    this.#pass.setBindGroup(0, group, [slot.offset]);
    this.#pass.dispatchWorkgroups(x, y, z);
  }

  /** Records a copy of `size` bytes; offsets and size are multiples of 4. */
  copy(source: GPUBuffer, sourceOffset: number, target: GPUBuffer, targetOffset: number, size: number): void {
    if (size === 0) return;
    this.#endPass();
    this.#commands().copyBufferToBuffer(source, sourceOffset, target, targetOffset, size);
  }

  /** Calls `then` when what is recorded has been submitted (or discarded): from then on its buffers may be dropped. */
  afterSubmit(then: () => void): void {
    this.#afterSubmit.push(then);
  }

  /** Submits what was recorded; does nothing when that is nothing. Tables and params end with it. */
  submit(): void {
    this.#endPass();
    if (this.#encoder === undefined) {
      this.#finish();
      return;
    }
    const commands = this.#encoder.finish();
    this.#encoder = undefined;
    this.#params.write();
    this.#tables.write();
    this.#context.device.queue.submit([commands]);
    this.#finish();
  }

  /** Forgets what was recorded since the last submit. */
  discard(): void {
    this.#endPass();
    this.#encoder = undefined;
    this.#finish();
  }

  dispose(): void {
    this.discard();
    this.#forgetGroups();
    this.#params.dispose();
    this.#tables.dispose();
  }

  /** The bind group of these ranges: creating one costs more than all else about a dispatch, and decoding binds the same each time. */
  #bindGroup(
    { kernel, layout }: Pipeline,
    ranges: Readonly<Record<string, BufferRange>>,
    params: GPUBuffer,
    paramsSize: number,
  ): GPUBindGroup {
    const storage = storageBindings(kernel);
    if (this.#groupCount >= MAX_BIND_GROUPS) this.#forgetGroups();
    let node = this.#groups.get(layout);
    if (node === undefined) this.#groups.set(layout, (node = new GroupNode()));
    for (const { name } of storage) node = node.next(bindingOf(kernel, name, ranges[name]).buffer);
    node = node.next(params);
    const known = node.groups.find(({ bound }) =>
      storage.every(({ name }, i) => {
        const { offset, size } = bindingOf(kernel, name, ranges[name]);
        return bound[i]?.offset === offset && bound[i]?.size === size;
      }),
    );
    if (known !== undefined) return known.group;
    const bound = storage.map(({ name }) => bindingOf(kernel, name, ranges[name]));
    const entries = [...bound, { buffer: params, size: paramsSize }].map((resource, binding) => ({
      binding,
      resource,
    }));
    const group = this.#context.device.createBindGroup({ label: kernel.file, layout, entries });
    node.groups.push({ bound, group });
    this.#groupCount++;
    return group;
  }

  #forgetGroups(): void {
    this.#groups = new Map();
    this.#groupCount = 0;
  }

  #finish(): void {
    this.#params.reset();
    this.#tables.reset();
    const then = this.#afterSubmit;
    this.#afterSubmit = [];
    for (const call of then) call();
  }

  #commands(): GPUCommandEncoder {
    this.#encoder ??= this.#context.device.createCommandEncoder();
    return this.#encoder;
  }

  #endPass(): void {
    this.#pass?.end();
    this.#pass = undefined;
  }
}

function bindingOf(kernel: KernelSpec, name: string, range: BufferRange | undefined): GPUBufferBinding {
  if (range === undefined) throw new RangeError(`${kernel.file} binds ${name}, which was not given`);
  return range;
}
