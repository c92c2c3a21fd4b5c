import { ggmlType, type QuantType } from '../../../src/gguf/ggml-types';
import type { MatmulMethod } from '../../../src/gpu/matmul/variants';
import type { MatmulCase } from './run-matmul';

export const range = (n: number, from = 0): readonly number[] => Array.from({ length: n }, (_, i) => from + i);

const PLAIN = { weights: 'normal', input: 'normal', gap: 0, seed: 1 } as const;

/** Row lengths that each type allows: one block, several, the real model's two, and for floats what fits no vector width. */
function rowLengths(type: QuantType): readonly number[] {
  const { blockSize } = ggmlType(type);
  if (blockSize === 1) return [1, 31, 32, 33, 100, 768];
  return blockSize === 32 ? [32, 64, 768] : [256, 768, 2048];
}

/**
 * Shapes, lists and inputs that break sloppy kernels. The naive kernel takes any x; `gap` 4 keeps rows of x on 16 bytes for the others.
 */
export function cases(type: QuantType, method: MatmulMethod['kind']): readonly MatmulCase[] {
  const { blockSize } = ggmlType(type);
  if (method === 'naive') return [...placeCases(type, blockSize === 1 ? 33 : 3 * blockSize, 3), ...valueCases(type)];
  return placeCases(type, blockSize === 1 ? 96 : 3 * blockSize, 4);
}

/** Where things lie: row lengths, counts of rows on both sides, lists. */
function placeCases(type: QuantType, nIn: number, gap: number): readonly MatmulCase[] {
  const common = { ...PLAIN, type, nIn };
  const lengths = rowLengths(type).filter((n) => gap % 4 !== 0 || n % 32 === 0);
  return [
    ...lengths.map((n) => ({ ...common, nIn: n, nOut: 65, shares: [[0]] })),
    ...[1, 3, 63, 64, 127].map((nOut) => ({ ...common, nOut, shares: [range(2)], gap })),
    ...[7, 8, 9, 24, 25, 33].map((n) => ({ ...common, nOut: 5, shares: [range(n)], gap })),
    { ...common, nOut: 7, shares: [[5, 0, 3], [], [2, 2, 9, 1, 4, 7, 8, 6, 5], [0]], gap },
    { ...common, nOut: 9, shares: [[], range(17), []] },
  ];
}

/** What the numbers are. */
function valueCases(type: QuantType): readonly MatmulCase[] {
  const { blockSize } = ggmlType(type);
  const common = { ...PLAIN, type, nIn: blockSize === 1 ? 33 : 2 * blockSize, nOut: 33, shares: [range(3)] };
  return [
    ...(['zero', 'one-hot', 'large', 'subnormal', 'minus-zero'] as const).map((input) => ({ ...common, input })),
    { ...common, weights: 'extreme' },
    { ...common, weights: 'extreme', input: 'one-hot' },
    { ...common, weights: 'zero' },
  ];
}

/** One line to find a failing case by. */
export function describeCase(c: MatmulCase): string {
  const rows = c.shares.map((s) => s.length).join('+');
  return `${c.type} ${c.nIn}->${c.nOut}, ${rows} rows, ${c.weights} x ${c.input}, gap ${c.gap}`;
}
