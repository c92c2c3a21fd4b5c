// MXFP4: exponent byte, 16 bytes of nibbles (value j low, j + 16 high). w = level 2^(e - 128)
#include "exact/bytes.wgsl"
#include "exact/types/group.wgsl"
#include "exact/types/no_low.wgsl"
#include "exact/types/levels.wgsl"
const BLOCK_VALUES = 32u;
const BLOCK_BYTES = 17u;
// 0 1 2 3 4 6 8 12 0 -1 -2 -3 -4 -6 -8 -12
const LEVELS = array<u32, 4>(0x03020100u, 0x0C080604u, 0xFDFEFF00u, 0xF4F8FAFCu);
// Powers of two between a row's largest scale and the unit in which it is summed.
const RANGE = 60;
// The exponent byte of the unit.
var<private> unitByte: i32;

// Exponents span 255 powers of two: a row is summed in units of its largest one. A block below the unit that holds anything is refused.
fn prepareRow(row: u32, blocks: u32) {
  var largest = 0u;
  for (var b = 0u; b < blocks; b++) {
    largest = max(largest, byteAt(row + b * BLOCK_BYTES));
  }
  unitByte = max(0, i32(largest) - RANGE);
}

fn unitExponent() -> i32 {
  return unitByte - 128;
}

fn scaleOf(block: u32) -> Scale {
  // From 2^125 on the larger levels are infinite in f32.
  let exponent = i32(byteAt(block));
  return Scale(1, exponent - unitByte, exponent < 253);
}

fn groupAt(block: u32, g: u32) -> Group {
  var group: Group;
  for (var w = 0u; w < 4u; w++) {
    let nibbles = wordAt(block + 1u + 4u * w);
    group.q[w] = levels(nibbles & 0x0F0F0F0Fu);
    group.q[w + 4u] = levels((nibbles >> 4u) & 0x0F0F0F0Fu);
  }
  group.scale = vec2(1, 1);
  return group;
}
