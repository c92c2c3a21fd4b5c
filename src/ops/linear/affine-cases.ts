import { expectNothing, putFloats } from '../../selftest/expected';
import { inputValues, wide, type InputKind } from '../../selftest/inputs';
import { laneWork, plainCase } from '../../selftest/one-kernel';
import type { SelftestCase } from '../../selftest/selftest-case';
import { addBound } from '../add/bound';
import { affine, type Affine } from './affine';
import { LINEAR_AFFINE } from './kernel';

interface AffineShape {
  readonly rows: number;
  readonly nOut: number;
  readonly nExpert: number;
  readonly scaled?: boolean;
  readonly biased?: boolean;
  /** Rows of others ahead of and behind its own in the bias. */
  readonly beside?: number;
  readonly kind?: InputKind;
}

/** The kernel on products that are exact: its own two roundings are those of an addition of the scaled value. */
function affineCase(shape: AffineShape): SelftestCase {
  const { rows, nOut, nExpert, scaled = false, biased = false, beside = 0, kind = 'normal' } = shape;
  const what = [scaled ? 'scale' : '', biased ? 'bias' : ''].filter((word) => word !== '').join(' and ');
  return plainCase(LINEAR_AFFINE, `${rows} rows of ${nOut}, ${nExpert} experts, ${what}, ${kind}`, () => {
    const x = inputValues(kind, rows * nOut, 21);
    const indices = Uint32Array.from({ length: rows }, (_, row) => (row * 5 + 2) % nExpert);
    const stride = nOut + 2 * beside;
    const scale = inputValues('normal', nExpert, 22).map((s) => 3 * s);
    const bias = inputValues(kind, stride * nExpert, 23);
    const then: Affine = {
      scale: scaled ? { values: scale, first: 0, stride: 1 } : undefined,
      bias: biased ? { values: bias, first: beside, stride } : undefined,
    };
    const exact = affine({ values: wide(x) }, then, nOut, indices);
    const products = affine({ values: wide(x) }, { scale: then.scale }, nOut, indices).values;
    const added = Float64Array.from(products, (_, i) =>
      biased ? (bias[beside + (indices[Math.floor(i / nOut)] ?? 0) * stride + (i % nOut)] ?? NaN) : 0,
    );
    const yOffset = 2 * nOut;
    const expected = expectNothing(yOffset + x.length);
    putFloats(expected, yOffset, wide(exact.values), addBound(wide(products), added));
    const flags = { isScaled: scaled ? 1 : 0, isBiased: biased ? 1 : 0, biasFirst: beside, biasStride: stride };
    const params = { count: x.length, nOut, nExpert, yOffset, ...flags };
    return laneWork({ x, indices, scale, bias }, 'y', expected, params, x.length);
  });
}

const SHAPES: readonly AffineShape[] = [
  { rows: 1, nOut: 1, nExpert: 1, scaled: true, biased: true },
  { rows: 13, nOut: 63, nExpert: 1, biased: true, beside: 5 },
  { rows: 9, nOut: 65, nExpert: 3, scaled: true },
  { rows: 11, nOut: 64, nExpert: 7, scaled: true, biased: true, beside: 3 },
  { rows: 3, nOut: 7, nExpert: 4, scaled: true, biased: true, kind: 'large' },
  { rows: 3, nOut: 7, nExpert: 4, scaled: true, biased: true, kind: 'subnormal' },
];

export const AFFINE_CASES: readonly SelftestCase[] = SHAPES.map(affineCase);
