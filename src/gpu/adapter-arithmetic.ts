import type { AdapterArithmetic } from '../model/adapter-card';
import type { KernelSpec } from '../ops/kernel-spec';
import type { GpuContext } from './device';
import { getPipeline } from './pipelines';
import { readBack } from './readback';
import { Recorder } from './recorder';

const ADAPTER_ARITHMETIC = {
  ...{ file: 'adapter_arithmetic.wgsl', entry: 'main', inputs: ['x'], weights: [], outputs: ['y'] },
  ...{ params: { count: 'u32' }, variants: [{ id: 'plain' }] },
} as const satisfies KernelSpec;

const STEP = 2 ** -23;
type Pair = readonly [a: number, b: number];

/** Sums that lie between two floats: below the middle, at it and above it, of either sign; and products that do. */
const BETWEEN: readonly Pair[] = [0.25, 0.5, 0.75, 1.25, 1.5, 1.75].flatMap((part) =>
  [1, -1].flatMap((sign): Pair[] => [
    [sign, sign * part * STEP],
    [sign * (1 + 2 ** -12), 1 + Math.round(part * 4) * 2 ** -13],
  ]),
);
/** A sum and a product that are subnormal. */
const SMALL: readonly Pair[] = [
  [1.5 * 2 ** -126, -(2 ** -126)],
  [2 ** -100, 2 ** -30],
];
/** A subnormal that is read by a sum, and by a product. */
const READ: readonly Pair[] = [
  [2 ** -130, 2 ** -126],
  [2 ** -130, 2 ** 20],
];

/** All of them, in the order of the answers. */
export const ARITHMETIC_QUESTIONS: readonly Pair[] = [...BETWEEN, ...SMALL, ...READ];

const known = new WeakMap<GPUDevice, Promise<AdapterArithmetic>>();

/** How an adapter rounds sums and products, and what it makes of subnormal numbers: WGSL leaves both open. Asked once for each device. */
export function adapterArithmetic(context: GpuContext): Promise<AdapterArithmetic> {
  let answer = known.get(context.device);
  if (answer === undefined) {
    answer = context.step(() => ask(context));
    known.set(context.device, answer);
    answer.catch(() => known.delete(context.device));
  }
  return answer;
}

async function ask(context: GpuContext): Promise<AdapterArithmetic> {
  const pipeline = await getPipeline(context, ADAPTER_ARITHMETIC, { id: 'plain' });
  const recorder = new Recorder(context);
  const bytes = 8 * ARITHMETIC_QUESTIONS.length;
  const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
  const x = context.allocate('numbers', bytes, usage);
  const y = context.allocate('sums and products', bytes, usage);
  try {
    context.device.queue.writeBuffer(x, 0, Float32Array.from(ARITHMETIC_QUESTIONS.flat()));
    recorder.dispatch(pipeline, { x: { buffer: x }, y: { buffer: y } }, { count: ARITHMETIC_QUESTIONS.length }, [1]);
    recorder.submit();
    return arithmeticOf(new Float32Array(await readBack(context, [{ buffer: y, offset: 0, size: bytes }])));
  } finally {
    for (const buffer of [x, y]) context.release(buffer);
    recorder.dispose();
  }
}

/** What the answers to the questions say: (sum, product) of each. */
export function arithmeticOf(answers: Float32Array): AdapterArithmetic {
  const right = (pair: Pair, i: number): boolean =>
    Object.is(answers[2 * i], Math.fround(pair[0] + pair[1])) &&
    Object.is(answers[2 * i + 1], Math.fround(pair[0] * pair[1]));
  const nearest = BETWEEN.every(right);
  const small = SMALL.map((_, i) => answers[2 * (BETWEEN.length + i) + i]);
  const [a = NaN, b = NaN] = READ.map((_, i) => answers[2 * (BETWEEN.length + SMALL.length + i) + i]);
  return {
    rounding: nearest ? 'nearest' : 'other',
    subnormalResults: small.every((value) => value !== 0) ? 'kept' : 'flushed',
    subnormalInputs: a !== 2 ** -126 && b !== 0 ? 'kept' : 'flushed',
  };
}
