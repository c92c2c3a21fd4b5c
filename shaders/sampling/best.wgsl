// The better of (key, index) pairs: the larger key, ties to the lower index. Integers only, so any order of joining gives the same.
const LANES = 256u;

var<workgroup> candidates: array<vec2<u32>, LANES>;

fn better(a: vec2<u32>, b: vec2<u32>) -> vec2<u32> {
  return select(a, b, b.x > a.x || (b.x == a.x && b.y < a.y));
}

// The best of the workgroup's, for every lane.
fn bestOf(own: vec2<u32>, lane: u32) -> vec2<u32> {
  candidates[lane] = own;
  workgroupBarrier();
  for (var step = LANES / 2u; step > 0u; step >>= 1u) {
    if (lane < step) {
      candidates[lane] = better(candidates[lane], candidates[lane + step]);
    }
    workgroupBarrier();
  }
  return candidates[0];
}
