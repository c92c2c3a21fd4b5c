/**
 * The layout of a kernel's `struct Params`, written once: field names and types in order. All fields are 4-byte scalars, so field i
 * lies at byte 4*i in WGSL's uniform layout. `tests/gpu/kernel-table.test.ts` holds it against the WGSL struct.
 */
export type ParamsSpec = Readonly<Record<string, 'u32' | 'f32' | 'i32'>>;

/** One number for each field. */
export type ParamsOf<S extends ParamsSpec> = { readonly [K in keyof S]: number };

/** Bytes of the struct in a uniform buffer: whole 16-byte slots, at least one. */
export function paramsBytes(spec: ParamsSpec): number {
  return Math.max(16, Math.ceil((fieldsOf(spec).length * 4) / 16) * 16);
}

type Field = readonly [name: string, type: ParamsSpec[string]];

/** Each dispatch asks. */
const known = new WeakMap<ParamsSpec, readonly Field[]>();

function fieldsOf(spec: ParamsSpec): readonly Field[] {
  let fields = known.get(spec);
  if (fields === undefined) known.set(spec, (fields = Object.entries(spec)));
  return fields;
}

/**
 * Writes the struct's bytes from byte 0 of the view.
 * @throws RangeError for a u32 or i32 field whose value is not in range: a wrapped size would run silently on wrong data.
 */
export function writeParams(spec: ParamsSpec, values: Readonly<Record<string, number>>, target: DataView): void {
  let at = 0;
  for (const [name, type] of fieldsOf(spec)) {
    const value = values[name];
    if (value === undefined) throw new RangeError(`parameter ${name} is missing`);
    if (type === 'f32') target.setFloat32(at, value, true);
    else if (type === 'u32') {
      if (value >>> 0 !== value) throw new RangeError(`parameter ${name} is ${value}, not a u32`);
      target.setUint32(at, value, true);
    } else {
      if ((value | 0) !== value) throw new RangeError(`parameter ${name} is ${value}, not an i32`);
      target.setInt32(at, value, true);
    }
    at += 4;
  }
}
