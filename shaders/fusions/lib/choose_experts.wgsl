// Which experts a token goes to, from `router` (fusions/router.wgsl): the higher logit comes first, ties go to the lower index. Softmax keeps
// that order. `ranked` gets them (USED) if `all`; after a barrier every lane may read it.
// An expert's rank is the number of those that come before it: (key, index) is a strict total order, so ranks are a permutation whatever the
// bits are. EXPERTS is a multiple of 32; keys beyond the last expert are 0.
var<workgroup> routerKeys: array<vec4<u32>, EXPERTS / 4u>;
var<workgroup> ranked: array<u32, USED>;

// The expert of a slot, for every lane.
fn chooseExperts(slot: u32, all: bool, lane: u32) -> u32 {
  for (var i = lane; i < EXPERTS / 4u; i += GROUP) {
    routerKeys[i] = router[i];
  }
  workgroupBarrier();
  for (var e = lane; e < params.nExpert; e += GROUP) {
    let rank = rankOf(e);
    if (rank == slot || (all && rank < USED)) {
      ranked[rank] = e;
    }
  }
  workgroupBarrier();
  return ranked[slot];
}

fn rankOf(expert: u32) -> u32 {
  let own = routerKeys[expert >> 2u][expert & 3u];
  var before = vec4(0u);
  for (var i = 0u; i < EXPERTS / 4u; i++) {
    let keys = routerKeys[i];
    let lower = vec4(4u * i) + vec4(0u, 1u, 2u, 3u) < vec4(expert);
    before += select(vec4(0u), vec4(1u), (keys > vec4(own)) | ((keys == vec4(own)) & lower));
  }
  return before.x + before.y + before.z + before.w;
}
