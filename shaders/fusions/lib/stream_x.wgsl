// x of a residual stream (lib/places.wgsl), as its RMSNorm's gain weights it, before the scale: (W (gain x)) * scale is W (gain x scale), so
// that the norm's sum of squares and the products do not wait for each other.
#include "fusions/lib/places.wgsl"

fn xAt(column: u32) -> vec4<f32> {
  return stream[gainedAt(N_IN) / 4u + folded(column, foldBlocks(N_IN))];
}

#include "fusions/lib/stream_norm.wgsl"
