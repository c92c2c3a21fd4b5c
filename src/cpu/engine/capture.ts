import { shapeOf, type Node } from '../../arch/graph';
import { LARGEST_F32 } from '../../base/f32-error';
import { sharedBytes } from '../../base/shared-memory';
import { inPieces, withPauses } from '../../base/pieces';
import type { Capture } from '../../model/engine';
import type { ExactOutput } from '../../ops/exact-op';
import { capturedPositions, type Step } from './step';

/**
 * The capture of a node's value: the captured positions, rounded to f32. Undefined when it is not captured.
 * @param rows whether the output holds all tokens of the step or only the captured ones
 * @param bound largest absolute errors, laid out as the output
 */
export async function captureOf(
  step: Step,
  node: Node,
  layer: number | undefined,
  output: ExactOutput,
  rows: 'all' | 'captured',
  bound: Float64Array | undefined,
): Promise<Capture | undefined> {
  const positions = capturedPositions(step, node.out.id);
  if (positions.length === 0) return undefined;
  const nKeys = step.nPast + step.tokens.length;
  const shape = shapeOf(node.out.axes, step.graph.sizes, { nTokens: positions.length, nKeys });
  const picked = pick(output.values, step, rows, positions);
  const captured = { stage: node.out.id, layer, positions, shape };
  if (picked instanceof Uint32Array) return { ...captured, data: picked.slice() };
  const exact = step.options.exact === true ? { exact: picked.slice() } : {};
  const sums = output.magnitudes === undefined ? undefined : pick(output.magnitudes, step, rows, positions);
  const limits = bound === undefined ? undefined : pick(bound, step, rows, positions);
  const rounded = limits === undefined ? undefined : new Float32Array(limits.length);
  const data = new Float32Array(sharedBytes(4 * picked.length));
  let largest = 0;
  let largestSum = beyondF32(output.largestSum) ?? 0;
  const work = inPieces(picked.length, 1, (from, to) => {
    const values = picked.subarray(from, to);
    data.set(values, from);
    largest = largestOf(values, largest);
    if (sums !== undefined) largestSum = largestOf(sums.subarray(from, to), largestSum);
    if (limits !== undefined && rounded !== undefined) roundUp(limits, rounded, from, to);
  });
  await withPauses(work, step.pause);
  const hasSum = sums !== undefined || largestSum > 0;
  const reach = { largest: shortened(largest), ...(hasSum ? { largestSum: shortened(largestSum) } : {}) };
  return { ...captured, data, ...exact, reach, ...(rounded === undefined ? {} : { bound: rounded }) };
}

/** A sum that f32 does not hold. Others of a norm are no news: no kernel of any width takes squares in f16. */
function beyondF32(sum = 0): number | undefined {
  return sum > LARGEST_F32 && sum < Infinity ? sum : undefined;
}

/** Largest magnitude of what is finite, and of what was found before. */
function largestOf(values: Float64Array | Uint32Array, before: number): number {
  let largest = before;
  for (const value of values) {
    const size = Math.abs(value);
    if (size > largest && size < Infinity) largest = size;
  }
  return largest;
}

/** To nine digits: the last bits of Math.exp are each JavaScript engine's own. */
function shortened(value: number): number {
  return Number(value.toPrecision(9));
}

/** Rows of the captured positions. Outputs that hold only those are taken as they are. */
function pick<T extends Float64Array | Uint32Array>(
  values: T,
  step: Step,
  rows: 'all' | 'captured',
  positions: readonly number[],
): T | Float64Array<ArrayBuffer> | Uint32Array<ArrayBuffer> {
  if (rows === 'captured' || positions.length === step.tokens.length) return values;
  const width = values.length / step.tokens.length;
  const length = positions.length * width;
  const out = values instanceof Float64Array ? new Float64Array(length) : new Uint32Array(length);
  for (const [i, position] of positions.entries()) {
    const from = (position - step.nPast) * width;
    out.set(values.subarray(from, from + width), i * width);
  }
  return out;
}

/** Bounds as f32 that are never below: the nearest f32, or one or two steps above it. */
function roundUp(bounds: Float64Array | Uint32Array, out: Float32Array, from: number, to: number): void {
  for (let i = from; i < to; i++) {
    const bound = bounds[i]!;
    out[i] = bound;
    if (out[i]! < bound) out[i] = bound * (1 + 2 ** -23) + 2 ** -149;
  }
}
