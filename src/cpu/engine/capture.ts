import { shapeOf, type Node } from '../../arch/graph';
import type { Reach, Tap } from '../../model/engine';
import type { ExactOutput } from '../../ops/exact-op';
import { capturedPositions, type Step } from './step';

/**
 * The tap of a node's value: the captured positions, rounded to f32. Undefined when it is not captured.
 * @param rows whether the output holds all tokens of the step or only the captured ones
 * @param bound largest absolute errors, laid out as the output
 */
export function captureTap(
  step: Step,
  node: Node,
  layer: number | undefined,
  output: ExactOutput,
  rows: 'all' | 'captured',
  bound: Float64Array | undefined,
): Tap | undefined {
  const positions = capturedPositions(step, node.out.id);
  if (positions.length === 0) return undefined;
  const nKeys = step.nPast + step.tokens.length;
  const shape = shapeOf(node.out.axes, step.graph.sizes, { nTokens: positions.length, nKeys });
  const picked = pick(output.values, step, rows, positions);
  const data = picked instanceof Float64Array ? new Float32Array(picked) : picked.slice();
  const exact = step.options.exact === true && picked instanceof Float64Array ? { exact: picked.slice() } : {};
  const sums = output.magnitudes === undefined ? undefined : pick(output.magnitudes, step, rows, positions);
  const reach = picked instanceof Float64Array ? { reach: reachOf(picked, sums) } : {};
  const tap: Tap = { stage: node.out.id, layer, positions, shape, data, ...exact, ...reach };
  if (bound === undefined) return tap;
  return { ...tap, bound: roundUp(pick(bound, step, rows, positions)) };
}

function reachOf(values: Float64Array, sums: Float64Array | Uint32Array | undefined): Reach {
  return { largest: largestOf(values), ...(sums === undefined ? {} : { largestSum: largestOf(sums) }) };
}

/** Largest magnitude of what is finite, to nine digits: the last bits of Math.exp are each JavaScript engine's own. */
function largestOf(values: Float64Array | Uint32Array): number {
  let largest = 0;
  for (const value of values) {
    const size = Math.abs(value);
    if (size > largest && size < Infinity) largest = size;
  }
  return Number(largest.toPrecision(9));
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
function roundUp(bounds: Float64Array | Uint32Array): Float32Array<ArrayBuffer> {
  const out = new Float32Array(bounds);
  for (let i = 0; i < out.length; i++) if (out[i]! < bounds[i]!) out[i] = bounds[i]! * (1 + 2 ** -23) + 2 ** -149;
  return out;
}
