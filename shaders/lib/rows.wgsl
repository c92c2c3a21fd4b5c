// One workgroup a row: calls the kernel's `compute` with every row below its `params.rows`, in each of LANES lanes.
const LANES: u32 = 64u;

var<workgroup> partials: array<f32, LANES>;

@compute @workgroup_size(LANES)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let row = group.y * groups.x + group.x;
  if (row < params.rows) {
    compute(row, lane);
  }
}

// What the lanes hold, added up in lane order: the same sum in every lane. Once a row.
fn sumOfLanes(lane: u32, own: f32) -> f32 {
  partials[lane] = own;
  workgroupBarrier();
  var total = 0.0;
  for (var l = 0u; l < LANES; l++) {
    total += partials[l];
  }
  return total;
}
