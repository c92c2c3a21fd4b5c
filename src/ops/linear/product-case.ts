import { matmulBound } from './bound';
import { matmulCall, xAlignment } from '../../gpu/matmul/encode-matmul';
import { repackRows } from '../../gpu/matmul/repack';
import { matmulVariant, type MatmulMethod } from '../../gpu/matmul/variants';
import { gpuRowWords } from '../weight-layout';
import { workList } from '../../gpu/matmul/work-list';
import { expectNothing, putFloat } from '../../selftest/expected';
import { inputValues, type InputKind } from '../../selftest/inputs';
import type { WeightKind } from '../../selftest/random-weights';
import type { CaseWork, Needs, SelftestCase } from '../../selftest/selftest-case';
import { rowProduct, weightRows } from '../../selftest/weight-rows';
import { QUANT_TYPES, type QuantType } from '../../types/types';
import { kernelName } from '../kernel-spec';

/** A product with everything that can go wrong about where things lie. */
export interface Product {
  readonly nIn: number;
  readonly nOut: number;
  /** For each matrix, the rows of x that it meets; an empty list is an expert that no token chose. */
  readonly shares: readonly (readonly number[])[];
  readonly weights?: WeightKind;
  readonly input?: InputKind;
  /** Elements between the rows of x and y beyond what they need, and before the first. */
  readonly gap?: number;
}

/** 0 to n - 1. */
export const range = (n: number): readonly number[] => Array.from({ length: n }, (_, i) => i);

/** A product by one method, held against f64 sums; x is NaN wherever the product has no business. */
export function productCase(type: QuantType, method: MatmulMethod, product: Product, isExtra = false): SelftestCase {
  const { nIn, nOut, shares, weights = 'normal', input = 'normal', gap = 0 } = product;
  const { kernel: spec, variant } = matmulVariant(type, method);
  const rows = shares.map((share) => share.length).join('+');
  return {
    ...{ kernel: `${kernelName(spec)} ${method.kind}`, types: [type], spec, variant, isExtra },
    shape: `${nIn} to ${nOut}, rows ${rows}${gap > 0 ? ', in wider rows' : ''}, ${weights} x ${input}${methodText(method)}`,
    needs: needsOf(method),
    make: () => productWork(type, method, product),
  };
}

function methodText(method: MatmulMethod): string {
  switch (method.kind) {
    case 'naive':
    case 'lane':
      return '';
    case 'workgroup':
    case 'subgroup':
      return `, lane groups of ${method.lanes}, ${method.laneGroupRows} rows, ${method.tile} at a time`;
    case 'tile':
      return `, ${method.laneRows} rows a lane`;
  }
}

function needsOf(method: MatmulMethod): Needs {
  if (method.kind === 'subgroup') return { subgroups: true, subgroupLanes: method.lanes };
  return {};
}

function productWork(type: QuantType, method: MatmulMethod, product: Product): CaseWork {
  const { nIn, nOut, shares, weights: kind = 'normal', input = 'normal', gap = 0 } = product;
  const nMatrices = shares.length;
  const matrix = weightRows(type, nMatrices * nOut, nIn, kind, nIn + nOut);
  const xStride = nIn + gap;
  const nX = 1 + Math.max(...shares.flat());
  // NaN wherever the product has no business.
  const x = new Float32Array(gap + nX * xStride).fill(NaN);
  const xRows = range(nX).map((r) => inputValues(input, nIn, 1000 + r));
  xRows.forEach((row, r) => {
    x.set(row, gap + r * xStride);
  });
  const nY = shares.flat().length;
  const yStride = nOut + gap;
  const y = expectNothing(gap + nY * yStride);
  let made = 0;
  const list = workList(
    shares.map((share, m) => ({
      weightWords: m * nOut * gpuRowWords(type, nIn),
      // Rows go to y in reverse, so that a kernel that ignores yRow is found out.
      rows: share.flatMap((xRow) => {
        const yRow = nY - 1 - made++;
        for (let o = 0; o < nOut; o++) {
          const { value, magnitude } = rowProduct(matrix, m * nOut + o, xRows[xRow] ?? []);
          const [bound = NaN] = matmulBound([value], Float64Array.of(magnitude), nIn);
          putFloat(y, gap + yRow * yStride + o, value, bound);
        }
        return [xRow, yRow];
      }),
    })),
    method.tile,
  );
  const { rowsPerGroup } = matmulVariant(type, method);
  const shape = { type, nIn, nOut, rowsPerMatrix: method.tile };
  const strides = { xStride, xOffset: gap, yStride, yOffset: gap };
  const call = matmulCall({ shape, rowsPerGroup, xAlignment: xAlignment(method) }, strides, list.entryCount);
  return {
    inputs: {
      x,
      weights: repackRows(type, matrix.bytes, nMatrices * nOut, nIn),
      entries: list.entries,
      rows: list.rows,
    },
    outputs: { y: gap + nY * yStride },
    calls: [call],
    expected: { y },
  };
}

/** Elements by which rows of x lie apart from where they need to: none that a method's loads could not take. */
export function gapOf(method: MatmulMethod): number {
  return xAlignment(method) === 1 ? 3 : 4;
}

/** Methods that every type has cases of: those of software adapters, and of hardware the widths that meet every type. */
export const METHODS: readonly MatmulMethod[] = [
  { kind: 'naive', tile: 8 },
  { kind: 'lane', tile: 8 },
  { kind: 'workgroup', tile: 1, laneGroupRows: 2, lanes: 8 },
  // A subgroup of 4 is the smallest that any adapter has.
  { kind: 'subgroup', tile: 1, laneGroupRows: 2, lanes: 4 },
  { kind: 'tile', tile: 32, laneRows: 2 },
];

/** The other widths, of which one type says enough: they share all text but a constant. */
export const WIDTHS: readonly MatmulMethod[] = [
  { kind: 'workgroup', tile: 2, laneGroupRows: 2, lanes: 16 },
  { kind: 'workgroup', tile: 4, laneGroupRows: 2, lanes: 32 },
  { kind: 'workgroup', tile: 8, laneGroupRows: 2, lanes: 8 },
  { kind: 'subgroup', tile: 1, laneGroupRows: 4, lanes: 4 },
  { kind: 'subgroup', tile: 2, laneGroupRows: 2, lanes: 8 },
  { kind: 'subgroup', tile: 4, laneGroupRows: 2, lanes: 16 },
  { kind: 'subgroup', tile: 8, laneGroupRows: 2, lanes: 32 },
  { kind: 'subgroup', tile: 4, laneGroupRows: 1, lanes: 4 },
  { kind: 'tile', tile: 32, laneRows: 4 },
  { kind: 'tile', tile: 32, laneRows: 8 },
];

/**
 * Types whose cases have every shape: one of each order of columns, and one with rows of any length. The others read through the same text
 * but for how a block becomes floats.
 */
const FULL_TYPES: ReadonlySet<QuantType> = new Set<QuantType>(['F32', 'BF16', 'Q4_K', 'Q6_K']);
/** Types with which a software adapter runs the methods that it does not use for models: one of each order of columns, and the largest grid. */
const SAMPLE_TYPES: ReadonlySet<QuantType> = new Set<QuantType>(['BF16', 'Q4_K', 'Q6_K', 'IQ1_S']);

/** Cases of every method and type: `shapes` gives the products, all of them or, where a type says no more than another, a few. */
export function everyProduct(
  shapes: (type: QuantType, method: MatmulMethod, full: boolean) => readonly Product[],
): readonly SelftestCase[] {
  return [
    ...METHODS.flatMap((method) =>
      QUANT_TYPES.flatMap((type) => {
        const isSoftwares = method.kind === 'naive' || method.kind === 'lane';
        return shapes(type, method, FULL_TYPES.has(type)).map((product) =>
          productCase(type, method, product, !isSoftwares && !SAMPLE_TYPES.has(type)),
        );
      }),
    ),
    ...WIDTHS.flatMap((method) =>
      shapes('Q4_K', method, true).map((product) => productCase('Q4_K', method, product, true)),
    ),
  ];
}
