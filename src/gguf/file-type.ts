import type { ModelFile } from './model-file';

/** llama.cpp's names of `general.file_type` (`enum llama_ftype` in llama.h); the gaps are types that no longer exist. */
export const FILE_TYPES: ReadonlyMap<number, string> = new Map([
  [0, 'F32'],
  [1, 'F16'],
  [2, 'Q4_0'],
  [3, 'Q4_1'],
  [7, 'Q8_0'],
  [8, 'Q5_0'],
  [9, 'Q5_1'],
  [10, 'Q2_K'],
  [11, 'Q3_K_S'],
  [12, 'Q3_K_M'],
  [13, 'Q3_K_L'],
  [14, 'Q4_K_S'],
  [15, 'Q4_K_M'],
  [16, 'Q5_K_S'],
  [17, 'Q5_K_M'],
  [18, 'Q6_K'],
  [19, 'IQ2_XXS'],
  [20, 'IQ2_XS'],
  [21, 'Q2_K_S'],
  [22, 'IQ3_XS'],
  [23, 'IQ3_XXS'],
  [24, 'IQ1_S'],
  [25, 'IQ4_NL'],
  [26, 'IQ3_S'],
  [27, 'IQ3_M'],
  [28, 'IQ2_S'],
  [29, 'IQ2_M'],
  [30, 'IQ4_XS'],
  [31, 'IQ1_M'],
  [32, 'BF16'],
  [36, 'TQ1_0'],
  [37, 'TQ2_0'],
  [38, 'MXFP4_MOE'],
  [39, 'NVFP4'],
  [40, 'Q1_0'],
  [41, 'Q2_0'],
]);

/** Bit of `general.file_type` that says the writer guessed it from the tensors. */
const GUESSED = 1024;

/** The file's own name for its mix of types (Q4_K_M), or the type with the most bytes where it does not say. */
export function fileTypeName(model: Pick<ModelFile, 'metadata' | 'tensors'>): string {
  const value = model.metadata.get('general.file_type');
  const name = typeof value === 'number' ? FILE_TYPES.get(value & ~GUESSED) : undefined;
  return name ?? Object.keys(tensorSummary(model).byType)[0] ?? 'unknown';
}

export interface TensorSummary {
  readonly count: number;
  /** Largest share of bytes first. */
  readonly byType: Readonly<Record<string, { readonly count: number; readonly bytes: number }>>;
  /** Type of each tensor by its name. */
  readonly types: Readonly<Record<string, string>>;
}

/** How many tensors, and how many with how many bytes of each type. */
export function tensorSummary(model: Pick<ModelFile, 'tensors'>): TensorSummary {
  const sums = new Map<string, { count: number; bytes: number }>();
  for (const { type, bytes } of model.tensors.values()) {
    const sum = sums.get(type) ?? { count: 0, bytes: 0 };
    sums.set(type, { count: sum.count + 1, bytes: sum.bytes + bytes });
  }
  const largestFirst = [...sums].sort((a, b) => b[1].bytes - a[1].bytes);
  const types = Object.fromEntries([...model.tensors].map(([name, { type }]) => [name, type]));
  return { count: model.tensors.size, byType: Object.fromEntries(largestFirst), types };
}
