import { isQuantType, QUANT_TYPES, TYPES, type QuantType } from '../types/types';

export { isQuantType, QUANT_TYPES, type QuantType };

/** A ggml tensor type, numbered as in ggml.h (`enum ggml_type`). `blockSize` counts elements, `typeSize` bytes of one block. */
export interface GgmlTypeSpec {
  readonly id: number;
  readonly name: string;
  readonly blockSize: number;
  readonly typeSize: number;
}

/** Types that a file may have and no engine runs: activations, whole numbers, f64. */
const OTHER_TYPES = [
  { id: 9, name: 'Q8_1', blockSize: 32, typeSize: 36 },
  { id: 15, name: 'Q8_K', blockSize: 256, typeSize: 292 },
  { id: 24, name: 'I8', blockSize: 1, typeSize: 1 },
  { id: 25, name: 'I16', blockSize: 1, typeSize: 2 },
  { id: 26, name: 'I32', blockSize: 1, typeSize: 4 },
  { id: 27, name: 'I64', blockSize: 1, typeSize: 8 },
  { id: 28, name: 'F64', blockSize: 1, typeSize: 8 },
] as const satisfies readonly GgmlTypeSpec[];

export type GgmlTypeName = QuantType | (typeof OTHER_TYPES)[number]['name'];

/** Every type of ggml that there is, by number. */
export const GGML_TYPES: readonly (GgmlTypeSpec & { readonly name: GgmlTypeName })[] = [...TYPES, ...OTHER_TYPES].sort(
  (a, b) => a.id - b.id,
);

const byId: ReadonlyMap<number, (typeof GGML_TYPES)[number]> = new Map(GGML_TYPES.map((t) => [t.id, t]));
const byName: ReadonlyMap<string, (typeof GGML_TYPES)[number]> = new Map(GGML_TYPES.map((t) => [t.name, t]));

/** The type with this `ggml_type` number, or undefined when this table does not know it. */
export function ggmlTypeById(id: number): (typeof GGML_TYPES)[number] | undefined {
  return byId.get(id);
}

/** Sizes of a type by name. */
export function ggmlType(name: GgmlTypeName): GgmlTypeSpec {
  const spec = byName.get(name);
  if (spec === undefined) throw new RangeError(`no ggml type ${name}`);
  return spec;
}

/** Bytes of one row of `n` elements. `n` must be a multiple of the block size. */
export function rowBytes(name: GgmlTypeName, n: number): number {
  const { blockSize, typeSize } = ggmlType(name);
  return (n / blockSize) * typeSize;
}
