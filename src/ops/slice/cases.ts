import { plural } from '../../base/format';
import { expectNothing, putFloats } from '../../selftest/expected';
import { inputValues, wide, type InputKind } from '../../selftest/inputs';
import { KINDS, laneWork, plainCase } from '../../selftest/one-kernel';
import type { SelftestCase } from '../../selftest/selftest-case';
import { sliceBound } from './bound';
import { slice } from './exact';
import { SLICE } from './kernel';

/** Rows, their length, and which columns are taken: all, the first, the last, some between. */
const SHAPES: readonly (readonly [rows: number, stride: number, first: number, width: number])[] = [
  [1, 1, 0, 1],
  [5, 64, 0, 64],
  [3, 48, 24, 24],
  [7, 13, 5, 4],
  [65, 2, 1, 1],
  [2, 997, 131, 67],
];

function sliceCase([rows, stride, first, width]: (typeof SHAPES)[number], kind: InputKind): SelftestCase {
  return plainCase(SLICE, `${width} of ${plural(rows, 'row')} of ${stride} from ${first} on, ${kind}`, () => {
    const x = inputValues(kind, rows * stride, 7);
    const values = slice(wide(x), stride, first, width);
    // A state has rows of earlier positions.
    const yOffset = width;
    const y = expectNothing(yOffset + values.length);
    putFloats(y, yOffset, values, sliceBound(values));
    return laneWork({ x }, 'y', y, { count: rows * width, width, stride, first, yOffset }, rows * width);
  });
}

export const SLICE_CASES: readonly SelftestCase[] = SHAPES.flatMap((shape) =>
  KINDS.map((kind) => sliceCase(shape, kind)),
);
