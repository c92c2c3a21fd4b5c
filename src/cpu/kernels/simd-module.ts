/*
 * The inner loop of `dot.ts` as a WebAssembly module of some 220 bytes, assembled here because it is shorter than a toolchain. It does
 * the same additions in the same order with f64x2 vectors, so it gives the same bits, about five times as fast.
 *
 *   (func (export "dot") (param $w i32) (param $x i32) (param $end i32) (result f64)
 *     (local $v0 v128) (local $v1 v128) (local $v2 v128) (local $v3 v128)        ;; lanes 0 1, 2 3, 4 5, 6 7
 *     (block (loop
 *       (br_if 1 (i32.ge_u $w $end))
 *       $v_i += promote(two f32 at $w + 8 i) * (two f64 at $x + 16 i)            ;; i = 0 .. 3
 *       $w += 32, $x += 64
 *       (br 0)))
 *     ((v0.0 + v0.1) + (v1.0 + v1.1)) + ((v2.0 + v2.1) + (v3.0 + v3.1)))
 */

/** Bytes of weights and of activations that one turn of the loop takes: eight elements. */
const ROW_STEP = 32;
const X_STEP = 64;

const [W, X, END, FIRST_VECTOR] = [0, 1, 2, 3] as const;
const VECTORS = [0, 1, 2, 3] as const;
const TYPE = { i32: 0x7f, f64: 0x7c, v128: 0x7b, none: 0x40, func: 0x60 } as const;
const OP = {
  block: 0x02,
  loop: 0x03,
  end: 0x0b,
  br: 0x0c,
  brIf: 0x0d,
  localGet: 0x20,
  localSet: 0x21,
  i32Const: 0x41,
  i32GeU: 0x4f,
  i32Add: 0x6a,
  f64Add: 0xa0,
} as const;
const SIMD = {
  load: 0x00,
  load64Zero: 0x5d,
  extractLane: 0x21,
  promoteLow: 0x5f,
  add: 0xf0,
  mul: 0xf2,
} as const;

/** The module: imports memory `env.memory`, exports `dot`. */
export function simdDotModule(): Uint8Array<ArrayBuffer> {
  const body = [
    ...[1, VECTORS.length, TYPE.v128],
    ...[OP.block, TYPE.none, OP.loop, TYPE.none],
    ...[...get(W), ...get(END), OP.i32GeU, OP.brIf, 1],
    ...VECTORS.flatMap(multiplyAdd),
    ...advance(W, ROW_STEP),
    ...advance(X, X_STEP),
    ...[OP.br, 0, OP.end, OP.end],
    ...[...laneSum(0), ...laneSum(1), OP.f64Add, ...laneSum(2), ...laneSum(3), OP.f64Add, OP.f64Add],
    OP.end,
  ];
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, [1, TYPE.func, 3, TYPE.i32, TYPE.i32, TYPE.i32, 1, TYPE.f64]),
    ...section(2, [1, ...name('env'), ...name('memory'), 0x02, 0x00, 1]),
    ...section(3, [1, 0]),
    ...section(7, [1, ...name('dot'), 0x00, 0]),
    ...section(10, [1, ...unsigned(body.length), ...body]),
  ]);
}

function multiplyAdd(vector: number): readonly number[] {
  return [
    ...get(FIRST_VECTOR + vector),
    ...[...get(W), ...simd(SIMD.load64Zero), 3, ...unsigned(8 * vector), ...simd(SIMD.promoteLow)],
    ...[...get(X), ...simd(SIMD.load), 3, ...unsigned(16 * vector)],
    ...[...simd(SIMD.mul), ...simd(SIMD.add)],
    ...set(FIRST_VECTOR + vector),
  ];
}

function laneSum(vector: number): readonly number[] {
  const lane = (i: number): readonly number[] => [...get(FIRST_VECTOR + vector), ...simd(SIMD.extractLane), i];
  return [...lane(0), ...lane(1), OP.f64Add];
}

function advance(local: number, bytes: number): readonly number[] {
  return [...get(local), OP.i32Const, ...signed(bytes), OP.i32Add, ...set(local)];
}

function get(local: number): readonly number[] {
  return [OP.localGet, local];
}

function set(local: number): readonly number[] {
  return [OP.localSet, local];
}

function simd(op: number): readonly number[] {
  return [0xfd, ...unsigned(op)];
}

function section(id: number, content: readonly number[]): readonly number[] {
  return [id, ...unsigned(content.length), ...content];
}

function name(text: string): readonly number[] {
  return [text.length, ...new TextEncoder().encode(text)];
}

/** LEB128. */
function unsigned(value: number): readonly number[] {
  return value < 128 ? [value] : [(value & 127) | 128, ...unsigned(value >>> 7)];
}

/** Signed LEB128 of a number that is not negative. */
function signed(value: number): readonly number[] {
  return value < 64 ? [value] : [(value & 127) | 128, ...signed(value >>> 7)];
}
