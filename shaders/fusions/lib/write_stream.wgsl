// Writes a residual stream `y` (lib/places.wgsl) of `length` values.
#include "fusions/lib/places.wgsl"

fn writeStream(length: u32, i: u32, value: f32, gain: f32) {
  y[i] = value;
  y[gainedAt(length) + foldedValue(i, foldBlocks(length))] = value * gain;
}

fn writeSquares(length: u32, part: u32, squares: f32) {
  y[squaresAt(length) + part] = squares;
}
