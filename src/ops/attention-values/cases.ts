import { valueBounds } from './bound';
import {
  ATTENTION_SHAPES,
  WINDOWED_SHAPES,
  attentionInputs,
  describeAttention,
  type AttentionShape,
} from '../../selftest/attention-shapes';
import { expectFloats } from '../../selftest/expected';
import { inputValues, wide } from '../../selftest/inputs';
import { LANES, plainCase } from '../../selftest/one-kernel';
import type { SelftestCase } from '../../selftest/selftest-case';
import { linearGrid } from '../kernel-grid';
import type { KernelSpec } from '../kernel-spec';
import { NO_WINDOW } from '../softmax/kernel';
import { ATTENTION_VALUES, ATTENTION_VALUES_SPLIT, SPLIT_CHANNELS } from './kernel';

function valuesCase(shape: AttentionShape, spec: KernelSpec, perGroup: number): SelftestCase {
  const { nHead, nHeadKv, headDim, past, window = NO_WINDOW } = shape;
  return plainCase(spec, describeAttention(shape), () => {
    const { nKeys, rows, values, kvAt, visible, begin } = attentionInputs(shape);
    const count = rows * headDim;
    // What the mask hides, and what lies beyond the keys, is NaN.
    const p = new Float32Array(rows * nKeys).fill(NaN);
    const y = new Float64Array(count);
    const bound = new Float64Array(count);
    const wideValues = wide(values);
    for (let row = 0; row < rows; row++) {
      const first = begin(row);
      const own = inputValues('normal', visible(row) - first, 100 + row).map(Math.abs);
      p.set(own, row * nKeys + first);
      for (let d = 0; d < headDim; d++) {
        for (let key = 0; key < own.length; key++)
          y[row * headDim + d]! += own[key]! * values[kvAt(row, first + key) + d]!;
      }
      const [stride, channel] = [nHeadKv * headDim, kvAt(row, first)];
      const at = row * headDim;
      valueBounds(wide(own), own.length, nKeys, wideValues, channel, stride, headDim, y, bound, at);
    }
    const params = { count, nHead, headsPerKv: nHead / nHeadKv, headDim, nKeys, firstPosition: past, window };
    return {
      inputs: { p, values },
      outputs: { y: count },
      calls: [{ params, grid: linearGrid(count, perGroup) }],
      expected: { y: expectFloats(y, bound) },
    };
  });
}

const SHAPES = [...ATTENTION_SHAPES, ...WINDOWED_SHAPES];

export const ATTENTION_VALUES_CASES: readonly SelftestCase[] = [
  ...SHAPES.map((shape) => valuesCase(shape, ATTENTION_VALUES, LANES)),
  ...SHAPES.map((shape) => valuesCase(shape, ATTENTION_VALUES_SPLIT, SPLIT_CHANNELS)),
];
