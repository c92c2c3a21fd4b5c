// Reads a buffer once and does next to nothing with it: what limits it is memory.

@group(0) @binding(0) var<storage, read> source: array<vec4<u32>>;
@group(0) @binding(1) var<storage, read_write> seen: array<u32>;

const LOADS = 8u;

@compute @workgroup_size(256)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let count = arrayLength(&source);
  let step = groups.x * 256u;
  var sum = vec4<u32>();
  // Neighbouring invocations read neighbouring words, several loads in flight each.
  for (var at = id.x; at < count; at += LOADS * step) {
    for (var i = 0u; i < LOADS; i++) {
      let j = at + i * step;
      if (j < count) { sum = sum ^ source[j]; }
    }
  }
  // Never true, as the buffer is zero, but a compiler cannot know and must load everything.
  if (any(sum != vec4<u32>())) { seen[0] = 1u; }
}
