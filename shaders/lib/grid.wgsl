// One lane a value: calls the kernel's `compute` with every index below its `params.count`.
// A dispatch dimension holds at most 65,535 workgroups: long one-dimensional grids wrap into y. `linearGrid` in src/ops/kernel-grid.ts
// makes the grid.
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) global: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let i = global.y * (groups.x * 64u) + global.x;
  if (i < params.count) {
    compute(i);
  }
}
