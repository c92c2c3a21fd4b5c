import { valueBounds } from './bound';
import {
  ATTENTION_SHAPES,
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
import { ATTENTION_VALUES, ATTENTION_VALUES_SPLIT, SPLIT_CHANNELS } from './kernel';

function valuesCase(shape: AttentionShape, spec: KernelSpec, perGroup: number): SelftestCase {
  const { nHead, nHeadKv, headDim, past } = shape;
  return plainCase(spec, describeAttention(shape), () => {
    const { nKeys, rows, values, kvAt, visible } = attentionInputs(shape);
    const count = rows * headDim;
    // What the mask hides, and what lies beyond the keys, is poison.
    const p = new Float32Array(rows * nKeys).fill(NaN);
    const y = new Float64Array(count);
    const bound = new Float64Array(count);
    const wideValues = wide(values);
    for (let row = 0; row < rows; row++) {
      const own = inputValues('normal', visible(row), 100 + row).map(Math.abs);
      p.set(own, row * nKeys);
      for (let d = 0; d < headDim; d++) {
        for (let key = 0; key < own.length; key++) y[row * headDim + d]! += own[key]! * values[kvAt(row, key) + d]!;
      }
      const [stride, channel] = [nHeadKv * headDim, kvAt(row, 0)];
      const at = row * headDim;
      valueBounds(wide(own), own.length, nKeys, wideValues, channel, stride, headDim, y, bound, at);
    }
    const params = { count, nHead, headsPerKv: nHead / nHeadKv, headDim, nKeys, firstPosition: past };
    return {
      inputs: { p, values },
      outputs: { y: count },
      calls: [{ params, grid: linearGrid(count, perGroup) }],
      expected: { y: expectFloats(y, bound) },
    };
  });
}

export const ATTENTION_VALUES_CASES: readonly SelftestCase[] = [
  ...ATTENTION_SHAPES.map((shape) => valuesCase(shape, ATTENTION_VALUES, LANES)),
  ...ATTENTION_SHAPES.map((shape) => valuesCase(shape, ATTENTION_VALUES_SPLIT, SPLIT_CHANNELS)),
];
