import { QUANT_TYPES, type QuantType } from '../../gguf/ggml-types';
import type { KernelSpec, KernelVariant } from '../../ops/kernel-spec';
import { REPACK_PLANE } from './encode-repack';
import { SUBGROUP_LANES } from './subgroup-lanes';
import { weightLayout } from '../../ops/weight-layout';

/** Every way to compute a product; `tile` is the most rows of x that an entry of the work list may bring. */
export type MatmulMethod =
  /** One lane a row of W. Runs everywhere; `naive` takes any x and is the reference for the others, `lane` reads x 16 bytes at a time. */
  | { readonly kind: 'naive' | 'lane'; readonly tile: 8 }
  /** A lane group for a few rows of W, added up in workgroup memory (`workgroup`) or in the subgroup (`subgroup`). */
  | {
      readonly kind: 'workgroup' | 'subgroup';
      readonly tile: 1 | 2 | 4 | 8;
      readonly laneGroupRows: 1 | 2 | 4;
      readonly lanes: 4 | 8 | 16 | 32;
    }
  /** A workgroup for 8 * laneRows rows of W and up to 32 rows of x. The bits are the same for every laneRows. */
  | { readonly kind: 'tile'; readonly tile: 32; readonly laneRows: 2 | 4 | 8 };

/** What the product kernels have in common. `params` mirrors `struct Params` of `shaders/lib/matmul_params.wgsl`. */
const PRODUCT = {
  entry: 'main',
  inputs: ['x', 'entries', 'rows'],
  weights: ['weights'],
  outputs: ['y'],
  params: {
    nIn: 'u32',
    nOut: 'u32',
    rowVec4s: 'u32',
    xStride: 'u32',
    xOffset: 'u32',
    yStride: 'u32',
    yOffset: 'u32',
  },
} as const;

export type MatmulKernel = typeof PRODUCT & Pick<KernelSpec, 'file' | 'variants'>;

/** Lanes of a workgroup of lane groups; `shaders/ops/linear_lane_group.wgsl` says the same. */
const LANE_GROUP_WORKGROUP = 128;

/** One width for all: on a software adapter each further pipeline costs more than it saves. */
const LANE_TILE = 8;
const LANE_GROUP_TILES = [1, 2, 4, 8] as const;
const LANE_ROWS = [2, 4, 8] as const;
/** Rows of W a lane group: two share each load of x, four crowd the registers. */
export const LANE_GROUP_ROWS = 2;

/** y = W x, each method a kernel: what the table and the compile test see. */
export const MATMULS = {
  naive: {
    ...PRODUCT,
    file: 'ops/linear_naive.wgsl',
    variants: eachType((type) => [laneVariant(type, 'naive')]),
  },
  lane: {
    ...PRODUCT,
    file: 'ops/linear_naive.wgsl',
    variants: eachType((type) => [laneVariant(type, 'lane')]),
  },
  workgroup: {
    ...PRODUCT,
    file: 'ops/linear_lane_group.wgsl',
    variants: eachType((type) =>
      LANE_GROUP_TILES.map((tile) => laneGroupVariant(type, 'workgroup', tile, LANE_GROUP_ROWS, 32)),
    ),
  },
  subgroup: {
    ...PRODUCT,
    file: 'ops/linear_lane_group.wgsl',
    variants: eachType((type) =>
      LANE_GROUP_TILES.map((tile) => laneGroupVariant(type, 'subgroup', tile, LANE_GROUP_ROWS, 32)),
    ),
  },
  tile: {
    ...PRODUCT,
    file: 'ops/linear_tile.wgsl',
    variants: eachType((type) => LANE_ROWS.map((laneRows) => tileVariant(type, laneRows))),
  },
} satisfies Record<MatmulMethod['kind'], MatmulKernel>;

/** y[i] = row rows[i] of W, dequantised. */
export const DEQUANT_ROWS = {
  file: 'ops/rows.wgsl',
  entry: 'main',
  inputs: ['rows'],
  weights: ['weights'],
  outputs: ['y'],
  params: { nIn: 'u32', rowVec4s: 'u32' },
  variants: eachType((type) => [typeVariant(type)]),
} as const satisfies KernelSpec;

/** The products' part of the kernel table. */
export const MATMUL_KERNELS: readonly KernelSpec[] = [
  ...Object.values(MATMULS),
  DEQUANT_ROWS,
  REPACK_PLANE,
  SUBGROUP_LANES,
];

/** The kernel, its variant, and the rows of W that one of its workgroups computes. */
export function matmulVariant(
  type: QuantType,
  method: MatmulMethod,
): { readonly kernel: MatmulKernel; readonly variant: KernelVariant; readonly rowsPerGroup: number } {
  const kernel = MATMULS[method.kind];
  switch (method.kind) {
    case 'naive':
    case 'lane':
      return { kernel, variant: laneVariant(type, method.kind), rowsPerGroup: 64 };
    case 'tile':
      return { kernel, variant: tileVariant(type, method.laneRows), rowsPerGroup: 8 * method.laneRows };
    case 'workgroup':
    case 'subgroup': {
      const { kind, tile, laneGroupRows, lanes } = method;
      const rowsPerGroup = (LANE_GROUP_WORKGROUP / lanes) * laneGroupRows;
      return { kernel, variant: laneGroupVariant(type, kind, tile, laneGroupRows, lanes), rowsPerGroup };
    }
  }
}

export function typeVariant(type: QuantType): KernelVariant {
  return { id: type, includes: { weights: weightLayout(type).shader } };
}

function eachType(variants: (type: QuantType) => readonly KernelVariant[]): readonly KernelVariant[] {
  return QUANT_TYPES.flatMap(variants);
}

function productVariant(type: QuantType, tile: number, includes: Readonly<Record<string, string>>) {
  return {
    id: `${type} x${tile}`,
    includes: { weights: weightLayout(type).shader, ...includes },
    consts: { TOKENS: tile },
  };
}

function laneVariant(type: QuantType, kind: 'naive' | 'lane'): KernelVariant {
  return {
    ...productVariant(type, LANE_TILE, { x: kind === 'naive' ? 'lib/x_any.wgsl' : 'lib/x_vec4.wgsl' }),
    id: `${type} ${kind}`,
  };
}

function tileVariant(type: QuantType, laneRows: number): KernelVariant {
  return {
    id: `${type}, ${laneRows} rows a lane`,
    includes: { weights: weightLayout(type).shader },
    consts: { LANE_ROWS: laneRows },
  };
}

function laneGroupVariant(
  type: QuantType,
  kind: 'workgroup' | 'subgroup',
  tile: number,
  laneGroupRows: number,
  lanes: number,
): KernelVariant {
  const laneGroupSum = kind === 'workgroup' ? 'lib/lane_group_sum_workgroup.wgsl' : 'lib/lane_group_sum_subgroup.wgsl';
  const product = productVariant(type, tile, { laneGroupSum });
  return {
    ...product,
    consts: { ...product.consts, ROWS: laneGroupRows },
    id: `${type} x${tile} ${kind} of ${lanes}, ${laneGroupRows} rows`,
    constants: { LANES: lanes },
    ...(kind === 'subgroup' ? { feature: 'subgroups' } : {}),
  };
}
