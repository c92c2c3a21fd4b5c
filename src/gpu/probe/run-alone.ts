import type { Grid } from '../../ops/kernel-grid';
import type { GpuContext } from '../device';
import { storageBindings } from '../../ops/kernel-spec';
import type { Pipeline } from '../pipelines';
import { readBack } from '../readback';
import { Recorder, type BufferRange } from '../recorder';
import { guardedOutput, upload, withoutGuards, type GuardedWords } from './guarded';

/** Data of a binding. */
export type BindingData = Float32Array<ArrayBuffer> | Uint32Array<ArrayBuffer> | Uint8Array<ArrayBuffer>;

/** A kernel's work, whole: what it reads, where it writes, what it is told. */
export interface LoneWork {
  /** By binding: inputs and weights. */
  readonly inputs: Readonly<Record<string, BindingData>>;
  /** By binding: 4-byte words of each output, or what it holds beforehand. */
  readonly outputs: Readonly<Record<string, number | Uint32Array<ArrayBuffer>>>;
  /** Dispatches, one after another, on the same bindings. */
  readonly calls: readonly { readonly params: Readonly<Record<string, number>>; readonly grid: Grid }[];
}

/**
 * Runs a kernel alone: outputs are guarded and, unless the work says otherwise, pre-filled with a pattern that no kernel writes.
 * @returns each output's words
 * @throws TracerError `gpu-validation`, `gpu-memory`, `gpu-lost`
 */
export async function runAlone(
  context: GpuContext,
  pipeline: Pipeline,
  work: LoneWork,
): Promise<Readonly<Record<string, GuardedWords>>> {
  const recorder = new Recorder(context);
  const bindings: Record<string, BufferRange> = {};
  try {
    return await context.step(async () => {
      for (const { name, writable } of storageBindings(pipeline.kernel)) {
        bindings[name] = writable ? outputRange(context, name, work) : upload(context, inputData(name, work));
      }
      for (const { params, grid } of work.calls) recorder.dispatch(pipeline, bindings, params, grid);
      recorder.submit();
      const outputs = pipeline.kernel.outputs.flatMap((name) => {
        const range = bindings[name];
        return range === undefined ? [] : [{ name, range }];
      });
      const bytes = await readBack(
        context,
        outputs.map(({ range }) => ({ buffer: range.buffer, offset: 0, size: range.buffer.size })),
      );
      let at = 0;
      const results: Record<string, GuardedWords> = {};
      for (const { name, range } of outputs) {
        const { size } = range.buffer;
        results[name] = withoutGuards(new Uint32Array(bytes, at, size / 4), range);
        at += size;
      }
      return results;
    });
  } finally {
    for (const { buffer } of Object.values(bindings)) context.release(buffer);
    recorder.dispose();
  }
}

function outputRange(context: GpuContext, name: string, { outputs }: LoneWork): BufferRange {
  const output = outputs[name];
  if (output === undefined) throw new RangeError(`no size was given for the output ${name}`);
  return typeof output === 'number' ? guardedOutput(context, output) : guardedOutput(context, output.length, output);
}

function inputData(name: string, { inputs }: LoneWork): BindingData {
  const data = inputs[name];
  if (data === undefined) throw new RangeError(`no data was given for ${name}`);
  return data;
}
