import { kernelName } from '../../ops/kernel-spec';
import { matmulBound } from '../../ops/linear/bound';
import { ggmlType, QUANT_TYPES, type QuantType } from '../../gguf/ggml-types';
import { matmulCall, xAlignment } from '../../gpu/matmul/encode-matmul';
import { repackRows } from '../../gpu/matmul/repack';
import { matmulVariant, type MatmulMethod } from '../../gpu/matmul/variants';
import { gpuRowWords } from '../../gpu/matmul/weight-layout';
import { workList } from '../../gpu/matmul/work-list';
import { expectNothing, putFloat } from '../expected';
import { inputValues, type InputKind } from '../inputs';
import type { WeightKind } from '../random-weights';
import type { CaseWork, Needs, SelftestCase } from '../selftest-case';
import { rowProduct, weightRows } from '../weight-rows';

/** A product with everything that can go wrong about where things lie. */
interface Product {
  readonly nIn: number;
  readonly nOut: number;
  /** For each matrix, the rows of x that it meets; an empty list is an expert that no token chose. */
  readonly shares: readonly (readonly number[])[];
  readonly weights?: WeightKind;
  readonly input?: InputKind;
  /** Elements between the rows of x and y beyond what they need, and before the first. */
  readonly gap?: number;
}

const range = (n: number): readonly number[] => Array.from({ length: n }, (_, i) => i);

/** One row and one block; several experts, one unused, in any order; more rows than an entry holds. */
function places(type: QuantType, method: MatmulMethod): readonly Product[] {
  const { blockSize } = ggmlType(type);
  const gap = xAlignment(method) === 1 ? 3 : 4;
  const block = Math.max(32, blockSize);
  const ragged = blockSize === 1 && method.kind === 'naive';
  return [
    { nIn: block, nOut: 1, shares: [[0]] },
    { nIn: ragged ? 33 : 2 * block, nOut: 65, shares: [[3, 0], [], [1]], gap },
    { nIn: ragged ? 100 : 3 * block, nOut: 7, shares: [range(method.kind === 'tile' ? 52 : 9), [2]], gap },
    ...(ragged ? [{ nIn: 1, nOut: 3, shares: [[0, 1]] }] : []),
  ];
}

/** What the numbers are. */
function values(type: QuantType, method: MatmulMethod): readonly Product[] {
  const common = { nIn: 2 * Math.max(32, ggmlType(type).blockSize), nOut: 9, shares: [range(2)] };
  return [
    { ...common, weights: 'extreme' },
    { ...common, input: 'large' },
    { ...common, input: 'subnormal' },
    ...(method.kind === 'naive'
      ? ([
          { ...common, weights: 'extreme', input: 'one-hot' },
          { ...common, input: 'minus-zero' },
        ] as const)
      : []),
  ];
}

function productCase(type: QuantType, method: MatmulMethod, product: Product, isExtra: boolean): SelftestCase {
  const { nIn, nOut, shares, weights = 'normal', input = 'normal', gap = 0 } = product;
  const { kernel: spec, variant } = matmulVariant(type, method);
  const rows = shares.map((share) => share.length).join('+');
  return {
    ...{ kernel: `${kernelName(spec)} ${method.kind}`, types: [type], spec, variant, isExtra },
    shape: `${nIn} to ${nOut}, rows ${rows}${gap > 0 ? ', in wider rows' : ''}, ${weights} x ${input}${wayText(method)}`,
    needs: needsOf(method),
    make: () => productWork(type, method, product),
  };
}

function wayText(method: MatmulMethod): string {
  switch (method.kind) {
    case 'naive':
    case 'lane':
      return '';
    case 'team':
    case 'subgroup':
      return `, teams of ${method.lanes}, ${method.teamRows} rows, ${method.tile} at a time`;
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
  // Poison wherever the product has no business.
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

const NAIVE: MatmulMethod = { kind: 'naive', tile: 8 };
const LANE: MatmulMethod = { kind: 'lane', tile: 8 };

/** Methods that hardware adapters use, in the widths that meet every type; a subgroup of 4 is the smallest that any adapter has. */
const HARDWARE: readonly MatmulMethod[] = [
  { kind: 'team', tile: 1, teamRows: 2, lanes: 8 },
  { kind: 'subgroup', tile: 1, teamRows: 2, lanes: 4 },
  { kind: 'tile', tile: 32, laneRows: 2 },
];
/** The other widths, of which one type says enough: they share all text but a constant. */
const WIDTHS: readonly MatmulMethod[] = [
  { kind: 'team', tile: 2, teamRows: 2, lanes: 16 },
  { kind: 'team', tile: 4, teamRows: 2, lanes: 32 },
  { kind: 'team', tile: 8, teamRows: 2, lanes: 8 },
  { kind: 'subgroup', tile: 2, teamRows: 2, lanes: 8 },
  { kind: 'subgroup', tile: 4, teamRows: 2, lanes: 16 },
  { kind: 'subgroup', tile: 8, teamRows: 2, lanes: 32 },
  { kind: 'subgroup', tile: 4, teamRows: 1, lanes: 4 },
  { kind: 'tile', tile: 32, laneRows: 4 },
  { kind: 'tile', tile: 32, laneRows: 8 },
];

/** Types with which a software adapter runs the kernels that it does not use itself: one of each order of columns, and the largest grid. */
const SAMPLE_TYPES: ReadonlySet<QuantType> = new Set<QuantType>(['BF16', 'Q4_K', 'Q6_K', 'IQ1_S']);

/** Every product kernel with every type. */
export const PRODUCT_CASES: readonly SelftestCase[] = [
  ...[NAIVE, LANE, ...HARDWARE].flatMap((method) =>
    QUANT_TYPES.flatMap((type) => {
      const isOwn = method.kind === 'naive' || method.kind === 'lane';
      return [...places(type, method), ...values(type, method)].map((product) =>
        productCase(type, method, product, !isOwn && !SAMPLE_TYPES.has(type)),
      );
    }),
  ),
  ...WIDTHS.flatMap((method) => places('Q4_K', method).map((product) => productCase('Q4_K', method, product, true))),
];
