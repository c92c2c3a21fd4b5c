// For every invocation, (subgroup size, place in the subgroup): whether neighbours in a workgroup are neighbours in a subgroup, which
// WGSL does not promise.
enable subgroups;

struct Params {
  count: u32,
}

@group(0) @binding(0) var<storage, read_write> y: array<vec2<u32>>;
@group(0) @binding(1) var<uniform> params: Params;

@compute @workgroup_size(128)
fn main(
  @builtin(global_invocation_id) global: vec3<u32>,
  @builtin(subgroup_size) size: u32,
  @builtin(subgroup_invocation_id) place: u32,
) {
  if (global.x < params.count) {
    y[global.x] = vec2(size, place);
  }
}
