import { plural } from '../../base/format';
import { expectNothing, putFloats } from '../../selftest/expected';
import { inputValues, wide, type InputKind } from '../../selftest/inputs';
import { KINDS, laneWork, plainCase } from '../../selftest/one-kernel';
import type { SelftestCase } from '../../selftest/selftest-case';
import { sliceBound } from '../slice/bound';
import { concat } from './exact';
import { CONCAT } from './kernel';

/** Rows, and the lengths of their two parts. */
const SHAPES: readonly (readonly [rows: number, first: number, second: number])[] = [
  [1, 1, 1],
  [3, 32, 12],
  [7, 5, 8],
  [65, 1, 2],
  [2, 512, 64],
];

function concatCase([rows, first, second]: (typeof SHAPES)[number], kind: InputKind): SelftestCase {
  return plainCase(CONCAT, `${plural(rows, 'row')} of ${first} and ${second}, ${kind}`, () => {
    const [a, b] = [inputValues(kind, rows * first, 3), inputValues(kind, rows * second, 5)];
    const width = first + second;
    // A state has rows of earlier positions.
    const yOffset = 2 * width;
    const values = concat(wide(a), wide(b), rows);
    const y = expectNothing(yOffset + values.length);
    putFloats(y, yOffset, values, sliceBound(values));
    return laneWork({ a, b }, 'y', y, { count: rows * width, width, first, yOffset }, rows * width);
  });
}

export const CONCAT_CASES: readonly SelftestCase[] = SHAPES.flatMap((shape) =>
  KINDS.map((kind) => concatCase(shape, kind)),
);
