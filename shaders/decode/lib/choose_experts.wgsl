// Which experts a token goes to, from `router` (decode/router.wgsl): an expert's rank is the number of those that come before it, the
// higher logit first, ties to the lower index. Softmax keeps that order. (key, index) is a strict total order: ranks are a permutation
// whatever the bits are. EXPERTS is a multiple of 32, keys beyond the last expert are 0. `takeKeys` comes first, then a barrier: every lane
// reads every key.
var<workgroup> routerKeys: array<vec4<u32>, EXPERTS / 4u>;

fn takeKeys(lane: u32) {
  for (var i = lane; i < EXPERTS / 4u; i += GROUP) {
    routerKeys[i] = router[i];
  }
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

fn logitOf(expert: u32) -> f32 {
  return bitcast<f32>(router[EXPERTS / 4u + (expert >> 2u)][expert & 3u]);
}
