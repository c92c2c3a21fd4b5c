// Attention's splits, joined. parts: (splits, nHead, headDim), then (splits, nHead) pairs (maximum, sum), two to a vec4.
const LOWEST: f32 = -1e30;

fn splitPair(head: u32, split: u32, splits: u32) -> vec2<f32> {
  let i = split * params.nHead + head;
  let pairs = parts[splits * params.nHead * params.headVec4s + i / 2u];
  return select(pairs.xy, pairs.zw, (i & 1u) == 1u);
}

// The largest score of a head, and its sum of exponentials.
fn headNorm(head: u32, splits: u32) -> vec2<f32> {
  var top = LOWEST;
  for (var s = 0u; s < splits; s++) {
    top = max(top, splitPair(head, s, splits).x);
  }
  var sum = 0.0;
  for (var s = 0u; s < splits; s++) {
    let pair = splitPair(head, s, splits);
    sum += exp(pair.x - top) * pair.y;
  }
  return vec2(top, sum);
}

// Four channels of attention's output; `column` counts through all heads.
fn joined(head: u32, column: u32, splits: u32) -> vec4<f32> {
  let norm = headNorm(head, splits);
  let all = params.nHead * params.headVec4s;
  var value = vec4(0.0);
  for (var s = 0u; s < splits; s++) {
    value += exp(splitPair(head, s, splits).x - norm.x) * parts[s * all + column];
  }
  return value / norm.y;
}
