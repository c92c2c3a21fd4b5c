/**
 * The ggml tensor types, numbered as in ggml.h (`enum ggml_type`). `blockSize` counts elements, `typeSize` bytes of one block.
 * `supported` types can be dequantised and run by both arms; the others are known by name so that an error can say what they are.
 */
export interface GgmlTypeSpec {
  readonly id: number;
  readonly name: string;
  readonly blockSize: number;
  readonly typeSize: number;
  readonly supported: boolean;
}

export const GGML_TYPES = [
  { id: 0, name: 'F32', blockSize: 1, typeSize: 4, supported: true },
  { id: 1, name: 'F16', blockSize: 1, typeSize: 2, supported: true },
  { id: 2, name: 'Q4_0', blockSize: 32, typeSize: 18, supported: true },
  { id: 3, name: 'Q4_1', blockSize: 32, typeSize: 20, supported: true },
  { id: 6, name: 'Q5_0', blockSize: 32, typeSize: 22, supported: true },
  { id: 7, name: 'Q5_1', blockSize: 32, typeSize: 24, supported: true },
  { id: 8, name: 'Q8_0', blockSize: 32, typeSize: 34, supported: true },
  { id: 9, name: 'Q8_1', blockSize: 32, typeSize: 36, supported: false },
  { id: 10, name: 'Q2_K', blockSize: 256, typeSize: 84, supported: true },
  { id: 11, name: 'Q3_K', blockSize: 256, typeSize: 110, supported: true },
  { id: 12, name: 'Q4_K', blockSize: 256, typeSize: 144, supported: true },
  { id: 13, name: 'Q5_K', blockSize: 256, typeSize: 176, supported: true },
  { id: 14, name: 'Q6_K', blockSize: 256, typeSize: 210, supported: true },
  { id: 15, name: 'Q8_K', blockSize: 256, typeSize: 292, supported: false },
  { id: 16, name: 'IQ2_XXS', blockSize: 256, typeSize: 66, supported: false },
  { id: 17, name: 'IQ2_XS', blockSize: 256, typeSize: 74, supported: false },
  { id: 18, name: 'IQ3_XXS', blockSize: 256, typeSize: 98, supported: false },
  { id: 19, name: 'IQ1_S', blockSize: 256, typeSize: 50, supported: false },
  { id: 20, name: 'IQ4_NL', blockSize: 32, typeSize: 18, supported: true },
  { id: 21, name: 'IQ3_S', blockSize: 256, typeSize: 110, supported: false },
  { id: 22, name: 'IQ2_S', blockSize: 256, typeSize: 82, supported: false },
  { id: 23, name: 'IQ4_XS', blockSize: 256, typeSize: 136, supported: true },
  { id: 24, name: 'I8', blockSize: 1, typeSize: 1, supported: false },
  { id: 25, name: 'I16', blockSize: 1, typeSize: 2, supported: false },
  { id: 26, name: 'I32', blockSize: 1, typeSize: 4, supported: false },
  { id: 27, name: 'I64', blockSize: 1, typeSize: 8, supported: false },
  { id: 28, name: 'F64', blockSize: 1, typeSize: 8, supported: false },
  { id: 29, name: 'IQ1_M', blockSize: 256, typeSize: 56, supported: false },
  { id: 30, name: 'BF16', blockSize: 1, typeSize: 2, supported: true },
  { id: 34, name: 'TQ1_0', blockSize: 256, typeSize: 54, supported: false },
  { id: 35, name: 'TQ2_0', blockSize: 256, typeSize: 66, supported: false },
  { id: 39, name: 'MXFP4', blockSize: 32, typeSize: 17, supported: true },
  { id: 40, name: 'NVFP4', blockSize: 64, typeSize: 36, supported: false },
  { id: 41, name: 'Q1_0', blockSize: 128, typeSize: 18, supported: false },
  { id: 42, name: 'Q2_0', blockSize: 64, typeSize: 18, supported: false },
] as const satisfies readonly GgmlTypeSpec[];

export type GgmlTypeName = (typeof GGML_TYPES)[number]['name'];

/** The types that both arms can run. */
export type QuantType = Extract<(typeof GGML_TYPES)[number], { supported: true }>['name'];

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

/** Narrows a type name to one that both arms can run. */
export function isQuantType(name: string): name is QuantType {
  return byName.get(name)?.supported === true;
}

export const QUANT_TYPES: readonly QuantType[] = GGML_TYPES.flatMap((t) => (t.supported ? [t.name] : []));

/** Bytes of one row of `n` elements. `n` must be a multiple of the block size. */
export function rowBytes(name: GgmlTypeName, n: number): number {
  const { blockSize, typeSize } = ggmlType(name);
  return (n / blockSize) * typeSize;
}
