import { seededRandom } from '../../../src/base/random';
import type { QuantType } from '../../../src/gguf/ggml-types';

/** A product of the real model (Qwen3-30B-A3B), as one dispatch. */
export interface BenchShape {
  readonly name: string;
  readonly nIn: number;
  readonly nOut: number;
  /** Matrices to choose from: 128 experts, or 1. */
  readonly nMatrices: number;
  /** Matrices that a row of x meets. */
  readonly used: number;
  readonly types: readonly QuantType[];
}

const MAIN_TYPES: readonly QuantType[] = ['Q4_K', 'Q6_K', 'Q8_0'];
const EXPERTS = { nMatrices: 128, used: 8 } as const;
const DENSE = { nMatrices: 1, used: 1 } as const;

export const SHAPES: readonly BenchShape[] = [
  { name: 'gate', nIn: 2048, nOut: 768, ...EXPERTS, types: MAIN_TYPES },
  { name: 'down', nIn: 768, nOut: 2048, ...EXPERTS, types: MAIN_TYPES },
  { name: 'q', nIn: 2048, nOut: 4096, ...DENSE, types: MAIN_TYPES },
  { name: 'kv', nIn: 2048, nOut: 512, ...DENSE, types: MAIN_TYPES },
  { name: 'out', nIn: 4096, nOut: 2048, ...DENSE, types: MAIN_TYPES },
  { name: 'router', nIn: 2048, nOut: 128, ...DENSE, types: ['F32'] },
  { name: 'head', nIn: 2048, nOut: 151_936, ...DENSE, types: ['Q6_K', 'Q4_K'] },
];

/** Rows of x: decoding, a short prompt, a long one. */
export const TOKENS: readonly number[] = [1, 12, 512];

/** For each matrix, the (xRow, yRow) pairs of a seeded random routing, flat. */
export function routing(shape: BenchShape, tokens: number, seed: number): readonly (readonly number[])[] {
  const random = seededRandom(seed);
  const pairs: number[][] = Array.from({ length: shape.nMatrices }, () => []);
  for (let token = 0; token < tokens; token++) {
    const chosen = new Set<number>();
    while (chosen.size < shape.used) chosen.add(random.below(shape.nMatrices));
    for (const [slot, matrix] of [...chosen].entries()) pairs[matrix]?.push(token, token * shape.used + slot);
  }
  return pairs;
}
