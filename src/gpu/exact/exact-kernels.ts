import type { QuantType } from '../../gguf/ggml-types';
import type { KernelSpec, KernelVariant } from '../../ops/kernel-spec';

/** Rows of x that one lane of products.wgsl sums at a time. */
export const TOKENS_AT_ONCE = [1, 4] as const;
/** Lanes of a workgroup of the products. */
export const EXACT_LANES = 64;
/** How many lanes may share a row of weights. */
export const SPLITS = [1, 4, 16] as const;

/** Types that are blocks of small integers: `shaders/exact/types/<file>.wgsl`. */
const BLOCK_FILES = {
  Q8_0: 'q8_0',
  Q4_0: 'q4_0',
  Q4_1: 'q4_1',
  Q5_0: 'q5_0',
  Q5_1: 'q5_1',
  Q2_K: 'q2_k',
  Q3_K: 'q3_k',
  Q4_K: 'q4_k',
  Q5_K: 'q5_k',
  Q6_K: 'q6_k',
  IQ4_NL: 'iq4_nl',
  IQ4_XS: 'iq4_xs',
  MXFP4: 'mxfp4',
} as const satisfies Partial<Record<QuantType, string>>;
const FLOAT_FILES = { F32: 'f32', F16: 'f16', BF16: 'bf16' } as const satisfies Partial<Record<QuantType, string>>;

/** How a type is multiplied exactly: as small integers in blocks, as floats one by one, or, undefined, on the CPU. */
export interface ExactType {
  readonly kind: 'blocks' | 'floats';
  readonly file: string;
}

const TYPES: ReadonlyMap<string, ExactType> = new Map<string, ExactType>([
  ...Object.entries(BLOCK_FILES).map(([type, file]) => [type, { kind: 'blocks', file: typeFile(file) }] as const),
  ...Object.entries(FLOAT_FILES).map(([type, file]) => [type, { kind: 'floats', file: typeFile(file) }] as const),
]);

/** How a type is multiplied exactly on the GPU; undefined where it is not. */
export function exactType(type: string): ExactType | undefined {
  return TYPES.get(type);
}

/** The types that have exact products. */
export const EXACT_TYPES: readonly string[] = [...TYPES.keys()];

const PRODUCT = {
  entry: 'main',
  inputs: ['entries', 'x', 'units'],
  weights: ['weights'],
  outputs: ['y'],
  params: { rowBytes: 'u32', nIn: 'u32' },
} as const;

/** The exact kernels; each file's header is its formula, its shapes and its threads. */
export const EXACT_KERNELS = {
  slices: {
    file: 'exact/slices.wgsl',
    entry: 'main',
    inputs: ['x', 'units'],
    weights: [],
    outputs: ['digits'],
    params: { count: 'u32', quads: 'u32' },
    variants: [{ id: 'plain' }],
  },
  toFixed: {
    file: 'exact/to_fixed.wgsl',
    entry: 'main',
    inputs: ['x', 'units'],
    weights: [],
    outputs: ['y'],
    params: { count: 'u32', nIn: 'u32' },
    variants: [{ id: 'plain' }],
  },
  products: {
    ...PRODUCT,
    file: 'exact/products.wgsl',
    variants: Object.values(BLOCK_FILES).flatMap((file) =>
      TOKENS_AT_ONCE.flatMap((tokens) => SPLITS.map((split) => productVariant(typeFile(file), tokens, split))),
    ),
  },
  floatProducts: {
    ...PRODUCT,
    file: 'exact/float_products.wgsl',
    variants: Object.values(FLOAT_FILES).flatMap((file) => SPLITS.map((split) => floatVariant(typeFile(file), split))),
  },
  magnitudes: {
    ...PRODUCT,
    file: 'exact/magnitudes.wgsl',
    inputs: ['entries', 'x'],
    variants: [...TYPES.values()].map(magnitudeVariant),
  },
} as const satisfies Record<string, KernelSpec>;

/** The variant of `products` for a type's file, rows of x a lane, and lanes a row of weights. */
export function productVariant(file: string, tokens: (typeof TOKENS_AT_ONCE)[number], split: number): KernelVariant {
  return {
    id: `${file} x${tokens} /${split}`,
    includes: { type: file },
    consts: { TOKENS: tokens },
    constants: { SPLIT: split },
  };
}

/** The variant of `floatProducts`. */
export function floatVariant(file: string, split: number): KernelVariant {
  return { id: `${file} /${split}`, includes: { type: file }, constants: { SPLIT: split } };
}

/** The variant of `magnitudes`. */
export function magnitudeVariant({ kind, file }: ExactType): KernelVariant {
  const values = kind === 'blocks' ? 'exact/block_magnitudes.wgsl' : 'exact/float_magnitudes.wgsl';
  return { id: file, includes: { type: file, values } };
}

function typeFile(name: string): string {
  return `exact/types/${name}.wgsl`;
}
