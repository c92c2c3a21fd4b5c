// x as its RMSNorm's gain weights it, before the scale: (W (gain x)) * scale is W (gain x scale). So that the norm's sum of squares and the
// products do not wait for each other.
fn sourceX(column: u32) -> vec4<f32> {
  let v = x[column];
  squares += dot(v, v);
  return v * gain[column];
}

var<private> squares: f32;

fn normScale() -> f32 {
  return inverseSqrt(sharedTotal() / f32(N_IN) + params.eps);
}

// The normed row itself, for whoever captures it: one workgroup's work.
fn tapNormed(place: u32, scale: f32, lane: u32) {
  if (place == NOWHERE) {
    return;
  }
  for (var c = lane; c < N_IN / 4u; c += GROUP) {
    let v = x[c] * scale * gain[c];
    for (var k = 0u; k < 4u; k++) {
      tap(place, 4u * c + k, v[k]);
    }
  }
}
