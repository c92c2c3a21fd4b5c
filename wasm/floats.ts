import { halves } from './half';

/* Unquantised types keep their bits: NaN payloads arrive as they are in the file. */

/** F32: the bytes as they are. */
export function dequantiseF32(bytes: usize, out: usize, n: u32): void {
  memory.copy(out, bytes, n << 2);
}

/** F16, any number of elements. */
export function dequantiseF16(bytes: usize, out: usize, n: u32): void {
  let i: u32 = 0;
  for (; i + 4 <= n; i += 4) {
    v128.store(out + (i << 2), halves(i32x4.extend_low_i16x8_u(v128.load64_zero(bytes + (i << 1)))));
  }
  for (; i < n; i++) {
    const bits = i32x4.splat(<i32>load<u16>(bytes + (i << 1)));
    store<u32>(out + (i << 2), i32x4.extract_lane(halves(bits), 0));
  }
}

/** BF16: the upper half of an f32. */
export function dequantiseBF16(bytes: usize, out: usize, n: u32): void {
  for (let i: u32 = 0; i < n; i++) store<u32>(out + (i << 2), (<u32>load<u16>(bytes + (i << 1))) << 16);
}
