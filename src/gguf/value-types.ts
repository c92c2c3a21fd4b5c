/** The metadata value types, numbered as in gguf.h (`enum gguf_type`). `bytes` is the size of one value; 0 where it varies. */
export const VALUE_TYPES = [
  { id: 0, name: 'uint8', bytes: 1 },
  { id: 1, name: 'int8', bytes: 1 },
  { id: 2, name: 'uint16', bytes: 2 },
  { id: 3, name: 'int16', bytes: 2 },
  { id: 4, name: 'uint32', bytes: 4 },
  { id: 5, name: 'int32', bytes: 4 },
  { id: 6, name: 'float32', bytes: 4 },
  { id: 7, name: 'bool', bytes: 1 },
  { id: 8, name: 'string', bytes: 0 },
  { id: 9, name: 'array', bytes: 0 },
  { id: 10, name: 'uint64', bytes: 8 },
  { id: 11, name: 'int64', bytes: 8 },
  { id: 12, name: 'float64', bytes: 8 },
] as const;

export type ValueType = (typeof VALUE_TYPES)[number]['name'];

/** The type with this number, or undefined. */
export function valueTypeById(id: number): (typeof VALUE_TYPES)[number] | undefined {
  return VALUE_TYPES[id];
}
