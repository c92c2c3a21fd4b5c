// The scale of the RMSNorm of a residual stream (lib/places.wgsl).

// A lane's share of the sum of squares.
fn someSquares(member: u32) -> f32 {
  var sum = 0.0;
  for (var i = member; 4u * i < params.squareCount; i += LANES) {
    let isPart = vec4(4u * i) + vec4(0u, 1u, 2u, 3u) < vec4(params.squareCount);
    let v = select(vec4(0.0), stream[squaresAt(N_IN) / 4u + i], isPart);
    sum += (v.x + v.y) + (v.z + v.w);
  }
  return sum;
}

fn normScale(squares: f32) -> f32 {
  return inverseSqrt(squares / f32(N_IN) + params.eps);
}

// The normed row itself, for whoever captures it: one workgroup's work.
fn tapNormed(place: u32, scale: f32, lane: u32) {
  if (place == NOWHERE) {
    return;
  }
  for (var c = lane; c < N_IN / 4u; c += GROUP) {
    let v = xAt(c) * scale;
    for (var k = 0u; k < 4u; k++) {
      tap(place, 4u * c + k, v[k]);
    }
  }
}
