// What lib/stream_x.wgsl is, for rows whose neighbouring lanes read neighbouring columns: x as it lies, times the gain.
#include "decode/lib/places.wgsl"

fn xAt(column: u32) -> vec4<f32> {
  return stream[column] * gain[column];
}

#include "decode/lib/stream_norm.wgsl"
