// What lib/stream_x.wgsl is, for rows whose neighbouring lanes read neighbouring columns: x as it lies, times the gain.
#include "fusions/lib/places.wgsl"

fn xAt(column: u32) -> vec4<f32> {
  return stream[column] * gain[column];
}

#include "fusions/lib/stream_norm.wgsl"
