// x as its RMSNorm's gain weights it, before the scale: (W (gain x)) * scale is W (gain x scale). A lane adds up the squares of what it
// takes; a team's lanes take every column once, so that their sum is the norm's.
var<private> squares: f32;

fn xAt(column: u32) -> vec4<f32> {
  let v = x[column];
  squares += dot(v, v);
  return v * gain[column];
}

fn normScale(total: f32) -> f32 {
  return inverseSqrt(total / f32(params.nIn) + params.eps);
}

// The normed row itself, for whoever captures it: one workgroup's work.
fn tapNormed(place: u32, scale: f32, lane: u32) {
  if (place == NOWHERE) {
    return;
  }
  for (var c = lane; c < params.nIn / 4u; c += GROUP) {
    let v = x[c] * scale * gain[c];
    for (var k = 0u; k < 4u; k++) {
      tap(place, 4u * c + k, v[k]);
    }
  }
}
