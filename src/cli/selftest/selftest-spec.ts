import type { CommandSpec } from '../command-line/command-spec';
import { ADAPTER, DEVICE, JSON_FILE, QUIET, RUNTIME } from '../command-line/shared-options';
import { ALL, ATLAS_ENTRY, CASES, KERNEL, SIGNED_OFF, WEIGHT_TYPE } from './selftest-options';

/** `selftest` in the command table. */
export const SELFTEST = {
  name: 'selftest',
  operands: [],
  summary: 'hold every kernel to its reference code on this GPU, without a model',
  description:
    "Runs every kernel with every quantisation type on awkward shapes and holds each value to what an honest f32 kernel may be off by (docs/selftest.md), so that a driver's bug can be told from a model's. Exits with 1 when a case is out of its bound.",
  options: [KERNEL, WEIGHT_TYPE, ALL, CASES, RUNTIME, ADAPTER, DEVICE, JSON_FILE, ATLAS_ENTRY, SIGNED_OFF, QUIET],
  examples: [
    'moescope selftest',
    'moescope selftest --adapter hardware --json selftest.json',
    'moescope selftest --atlas entry.json --sign-off',
    'moescope selftest --kernel linear_tile,decode/ --type q4_k,q6_k --cases',
  ],
} as const satisfies CommandSpec;
