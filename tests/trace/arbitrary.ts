import fc from 'fast-check';
import { stageSpec, type StageId } from '../../src/model/stages';
import { ACTIVE_STAGES } from '../support/stages';
import type { Capture } from '../../src/model/engine';
import { TracerError } from '../../src/base/errors';
import { createTrace, type Trace } from '../../src/trace/trace';
import { locationKey } from '../../src/model/location';

/** Any f32 bit patterns, NaN payloads and subnormals included, as a typed array that never passed through numbers. */
export function floatBits(length: number): fc.Arbitrary<Float32Array<ArrayBuffer>> {
  const special = fc.constantFrom(0x7fc00000, 0x7f800001, 0xffc12345, 0x7f800000, 0xff800000, 0x80000000, 1);
  const bits = fc.oneof(fc.nat(0xffffffff), special);
  return fc
    .array(bits, { minLength: length, maxLength: length })
    .map((values) => new Float32Array(Uint32Array.from(values).buffer));
}

function captureOfStage(stage: StageId): fc.Arbitrary<Capture> {
  const spec = stageSpec(stage);
  const axis = spec.shape.indexOf('nTokens');
  const sizes = fc.tuple(...spec.shape.map(() => fc.integer({ min: 1, max: 3 })));
  const layers = spec.scope === 'layer' ? fc.nat(90) : fc.constant(undefined);
  return fc.tuple(sizes, layers, fc.nat(40), fc.boolean()).chain(([shape, layer, first, hasBound]) => {
    const count = shape.reduce((a, b) => a * b, 1);
    const positions = Array.from({ length: shape[axis] ?? 0 }, (_, i) => first + 2 * i);
    const data: fc.Arbitrary<Capture['data']> =
      spec.values === 'index'
        ? fc.array(fc.nat(2 ** 24), { minLength: count, maxLength: count }).map((ids) => Uint32Array.from(ids))
        : floatBits(count);
    return fc.tuple(data, floatBits(count)).map(([values, bound]) => ({
      stage,
      layer,
      positions,
      shape,
      data: values,
      ...(hasBound ? { bound } : {}),
    }));
  });
}

/** A trace of any engine with a few captures of any stages and shapes. */
export const anyTrace: fc.Arbitrary<Trace> = fc
  .record({
    arm: fc.constantFrom('gpu', 'cpu', 'cpu-ggml', 'my_arm.2'),
    mode: fc.constantFrom('free' as const, 'isolated' as const),
    about: fc.record(
      {
        modelName: fc.string(),
        headerSha256: fc.string(),
        adapter: fc.string({ unit: 'binary' }),
        toolVersion: fc.string(),
        tokens: fc.array(fc.nat(200_000), { maxLength: 5 }),
      },
      { requiredKeys: [] },
    ),
    captures: fc.array(fc.constantFrom(...ACTIVE_STAGES).chain(captureOfStage), { minLength: 1, maxLength: 6 }),
  })
  .map(({ arm: engine, mode, about, captures }) => createTrace({ arm: engine, mode, ...about }, captures));

/** Payload bits, for comparison: NaN payloads differ where numbers would not. */
export function bitsOf(data: Capture['data']): number[] {
  return [...new Uint32Array(data.buffer, data.byteOffset, data.length)];
}

/** A trace as plain values with every bit of every payload. */
export function plain(trace: Trace, options: { readonly bounds: boolean } = { bounds: true }): unknown {
  return {
    provenance: trace.provenance,
    unplaced: [...trace.unplaced].sort(),
    captures: [...trace.captures.values()].map((captured) => ({
      key: locationKey(captured.layer, captured.stage),
      positions: [...captured.positions],
      shape: [...captured.shape],
      kind: captured.data.constructor.name,
      bits: bitsOf(captured.data),
      ...(captured.bound === undefined || !options.bounds ? {} : { bound: bitsOf(captured.bound) }),
    })),
  };
}

/** The error that the action throws; anything but a TracerError `trace-format` fails the test. */
export function formatErrorOf(action: () => unknown): TracerError {
  try {
    action();
  } catch (error) {
    if (error instanceof TracerError && error.code === 'trace-format') return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

/** Runs a reader on hostile bytes: it may succeed or throw `trace-format`, nothing else. */
export function toleratesHostile(read: () => unknown): void {
  try {
    read();
  } catch (error) {
    if (!(error instanceof TracerError && error.code === 'trace-format')) throw error;
  }
}

/** Bytes with some of them replaced, and perhaps cut. */
export function damaged(bytes: Uint8Array): fc.Arbitrary<Uint8Array> {
  const edits = fc.array(fc.tuple(fc.nat(Math.max(0, bytes.length - 1)), fc.nat(255)), { maxLength: 6 });
  return fc.tuple(edits, fc.nat(bytes.length)).map(([changes, length]) => {
    const copy = bytes.slice();
    for (const [at, value] of changes) copy[at] = value;
    return length % 3 === 0 ? copy.subarray(0, length) : copy;
  });
}
