import { ATTENTION_TILED_CASES } from './cases/attention-tiled';
import { MOVE_CASES } from './cases/moves';
import { ARGMAX_CASES } from './decode/argmax';
import { DECODE_ATTENTION_CASES } from './decode/attention';
import { EXPERTS_IN_CASES } from './decode/experts-in';
import { NORM_PRODUCT_CASES } from './decode/norm-products';
import { STREAM_CASES } from './decode/stream-writers';
import { OP_CASES } from './op-cases';
import type { SelftestCase } from './selftest-case';

/** THE CASES: every kernel, type and awkward shape. */
export const SELFTEST_CASES: readonly SelftestCase[] = [
  ...Object.values(OP_CASES).flat(),
  ...MOVE_CASES,
  ...ATTENTION_TILED_CASES,
  ...NORM_PRODUCT_CASES,
  ...DECODE_ATTENTION_CASES,
  ...EXPERTS_IN_CASES,
  ...STREAM_CASES,
  ...ARGMAX_CASES,
];
