// choose_experts.wgsl in subgroups of at least LANES lanes: each lane group holds all keys, HELD times four a lane, and takes the best one away until it
// comes to the slot. No barrier, and short code: comparing all with all fills an instruction cache (docs/performance.md).
var<workgroup> ranked: array<u32, USED>;

// At most 16.
override HELD = (EXPERTS / 4u + LANES - 1u) / LANES;

// The expert of a slot, for every lane.
fn chooseExperts(slot: u32, all: bool, lane: u32) -> u32 {
  let member = lane % LANES;
  // A key that is taken, or that nobody has, is 0: no key of a logit is. Lane groups of one subgroup hold the same.
  var keys: array<vec4<u32>, 16>;
  for (var i = 0u; i < HELD; i++) {
    let column = i * LANES + member;
    keys[i] = select(vec4(0u), router[min(column, EXPERTS / 4u - 1u)], column < EXPERTS / 4u);
  }
  let rounds = select(slot + 1u, USED, all);
  var expert = 0u;
  for (var r = 0u; r < rounds; r++) {
    var four = vec4(0u);
    for (var i = 0u; i < HELD; i++) {
      four = max(four, keys[i]);
    }
    let best = subgroupMax(max(max(four.x, four.y), max(four.z, four.w)));
    // The first of equals.
    four = vec4(0xffffffffu);
    for (var i = 0u; i < HELD; i++) {
      four = min(four, select(vec4(0xffffffffu), expertsOf(i, member), keys[i] == vec4(best)));
    }
    expert = subgroupMin(min(min(four.x, four.y), min(four.z, four.w)));
    for (var i = 0u; i < HELD; i++) {
      keys[i] = select(keys[i], vec4(0u), expertsOf(i, member) == vec4(expert));
    }
    if (all && lane == 0u) {
      ranked[r] = expert;
    }
  }
  return expert;
}

fn expertsOf(i: u32, member: u32) -> vec4<u32> {
  return vec4(4u * (i * LANES + member)) + vec4(0u, 1u, 2u, 3u);
}
