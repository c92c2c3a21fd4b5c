// A dispatch dimension holds at most 65,535 workgroups: long one-dimensional grids wrap into y. `linearGrid` in src/ops/kernel-grid.ts
// makes the grid; this gives the invocation's place in it.
fn linearIndex(global: vec3<u32>, groups: vec3<u32>, workgroupSize: u32) -> u32 {
  return global.y * (groups.x * workgroupSize) + global.x;
}
