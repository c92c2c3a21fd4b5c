import { ATTENTION_CASES } from './cases/attention';
import { ELEMENTWISE_CASES } from './cases/elementwise';
import { NORM_SOFTMAX_CASES } from './cases/norm-softmax';
import { PRODUCT_CASES } from './cases/products';
import { ROUTING_CASES } from './cases/routing';
import { WEIGHT_CASES } from './cases/weights';
import { ARGMAX_CASES } from './decode/argmax';
import { DECODE_ATTENTION_CASES } from './decode/attention';
import { EXPERTS_IN_CASES } from './decode/experts-in';
import { NORM_PRODUCT_CASES } from './decode/norm-products';
import { STREAM_CASES } from './decode/stream-writers';
import type { SelftestCase } from './selftest-case';

/** THE CASES: every kernel, type and awkward shape. */
export const SELFTEST_CASES: readonly SelftestCase[] = [
  ...ELEMENTWISE_CASES,
  ...NORM_SOFTMAX_CASES,
  ...ROUTING_CASES,
  ...ATTENTION_CASES,
  ...WEIGHT_CASES,
  ...PRODUCT_CASES,
  ...NORM_PRODUCT_CASES,
  ...DECODE_ATTENTION_CASES,
  ...EXPERTS_IN_CASES,
  ...STREAM_CASES,
  ...ARGMAX_CASES,
];
