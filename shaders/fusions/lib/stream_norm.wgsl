// The scale of the RMSNorm of a residual stream (lib/places.wgsl).

// Four sums of squares, of those that are there.
fn fourSquares(i: u32) -> vec4<f32> {
  let isThere = vec4(4u * i) + vec4(0u, 1u, 2u, 3u) < vec4(params.squareCount);
  return select(vec4(0.0), stream[squaresAt(N_IN) / 4u + min(i, (params.squareCount - 1u) / 4u)], isThere);
}

// A lane's share of the sum of squares. Four loads are under way at a time.
fn someSquares(member: u32) -> f32 {
  var sums = vec4(0.0);
  for (var i = member; 4u * i < params.squareCount; i += 4u * LANES) {
    sums += (fourSquares(i) + fourSquares(i + LANES)) + (fourSquares(i + 2u * LANES) + fourSquares(i + 3u * LANES));
  }
  return (sums.x + sums.y) + (sums.z + sums.w);
}

fn normScale(squares: f32) -> f32 {
  return inverseSqrt(squares / f32(N_IN) + params.eps);
}

// The normed row itself, where it is captured: one workgroup's work.
fn captureNormed(place: u32, scale: f32, lane: u32) {
  if (place == NOWHERE) {
    return;
  }
  for (var c = lane; c < N_IN / 4u; c += GROUP) {
    let v = xAt(c) * scale;
    for (var k = 0u; k < 4u; k++) {
      capture(place, 4u * c + k, v[k]);
    }
  }
}
