// Pieces that the weight formats share. A format reads the kernel's `weights: array<vec4<u32>>`.

// The four bytes of a word as f32, byte 0 first.
fn unsignedBytes(word: u32) -> vec4<f32> {
  return vec4<f32>(unpack4xU8(word));
}

fn signedBytes(word: u32) -> vec4<f32> {
  return vec4<f32>(unpack4xI8(word));
}

// Word i of a plane that starts at vec4 `plane`.
fn planeWord(plane: u32, i: u32) -> u32 {
  return weights[plane + (i >> 2u)][i & 3u];
}

// Half i of a plane of f16 that starts at vec4 `plane`. Exact, subnormals included.
fn planeHalf(plane: u32, i: u32) -> f32 {
  return unpack2x16float(planeWord(plane, i >> 1u))[i & 1u];
}

// vec4s of a plane of `bytes` bytes: planes start on 16 bytes.
fn planeVec4s(bytes: u32) -> u32 {
  return (bytes + 15u) >> 4u;
}
