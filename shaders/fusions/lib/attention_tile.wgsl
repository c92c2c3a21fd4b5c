// Keys of attention by tiles: TILE of them at a time, PARTS lanes of a workgroup for each.
const GROUP: u32 = 256u;
const TILE: u32 = 64u;
// Lanes that share a key's scores.
const PARTS: u32 = 4u;

// Eight columns of a key, every PARTS-th from `c` on; beyond the head they repeat the last one. The own key is not among the kept ones yet.
fn keyColumns(key: u32, c: u32) -> array<vec4<f32>, 8> {
  let at = rowAt(key);
  let end = COLUMNS - 1u;
  return array<vec4<f32>, 8>(
    keys[at + min(c, end)], keys[at + min(c + PARTS, end)],
    keys[at + min(c + 2u * PARTS, end)], keys[at + min(c + 3u * PARTS, end)],
    keys[at + min(c + 4u * PARTS, end)], keys[at + min(c + 5u * PARTS, end)],
    keys[at + min(c + 6u * PARTS, end)], keys[at + min(c + 7u * PARTS, end)],
  );
}
