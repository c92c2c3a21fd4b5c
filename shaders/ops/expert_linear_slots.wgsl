// The work list of a product with chosen experts, made on the GPU: slots (token, slot number) sorted by expert, each expert's slots in order,
// and cut into entries of at most `tile` rows (lib/matmul_params.wgsl).
// indices (count): the expert of slot i, of token i / nUsed. entries (entryCount): (word where the expert's matrix begins, first row, rows, 0);
// those of experts outside firstExpert .. endExpert, and all that are left over, have no rows. tokenRows, slotRows (count): (token, slot) and
// (slot, slot) of each row, the expert's rows side by side.
// A counting sort, one workgroup an expert: each counts all slots, so that it knows where its own begin, then gives its own slots their ranks in
// order. The counts are sums of integers, the same in whatever order they are made; nothing else is shared. So the list is the same on every run.
override EXPERTS = 128u;
const LANES = 256u;

struct Params {
  count: u32,
  nUsed: u32,
  tile: u32,
  entryCount: u32,
  firstExpert: u32,
  endExpert: u32,
  // Words of one expert's matrix.
  expertWords: u32,
}

@group(0) @binding(0) var<storage, read> indices: array<u32>;
@group(0) @binding(1) var<storage, read_write> entries: array<vec4<u32>>;
@group(0) @binding(2) var<storage, read_write> tokenRows: array<vec2<u32>>;
@group(0) @binding(3) var<storage, read_write> slotRows: array<vec2<u32>>;
@group(0) @binding(4) var<uniform> params: Params;

var<workgroup> counts: array<atomic<u32>, EXPERTS>;
// The expert's slots in the share of each lane.
var<workgroup> shares: array<u32, LANES>;

fn entriesOf(rows: u32) -> u32 {
  return (rows + params.tile - 1u) / params.tile;
}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let expert = group.x;
  for (var e = lane; e < EXPERTS; e += LANES) {
    atomicStore(&counts[e], 0u);
  }
  workgroupBarrier();

  for (var slot = lane; slot < params.count; slot += LANES) {
    let chosen = indices[slot];
    if (chosen < EXPERTS) {
      atomicAdd(&counts[chosen], 1u);
    }
  }
  // Neighbouring slots, so that ranks go up with lanes.
  let share = (params.count + LANES - 1u) / LANES;
  let first = lane * share;
  let end = min(first + share, params.count);
  var mine = 0u;
  for (var slot = first; slot < end; slot++) {
    mine += select(0u, 1u, indices[slot] == expert);
  }
  shares[lane] = mine;
  workgroupBarrier();

  var firstRow = 0u;
  var firstEntry = 0u;
  for (var e = 0u; e < expert; e++) {
    let rows = atomicLoad(&counts[e]);
    firstRow += rows;
    firstEntry += entriesOf(rows);
  }
  if (mine > 0u) {
    var row = firstRow;
    for (var l = 0u; l < lane; l++) {
      row += shares[l];
    }
    for (var slot = first; slot < end; slot++) {
      if (indices[slot] == expert) {
        tokenRows[row] = vec2(slot / params.nUsed, slot);
        slotRows[row] = vec2(slot, slot);
        row++;
      }
    }
  }
  let rows = atomicLoad(&counts[expert]);
  let here = expert >= params.firstExpert && expert < params.endExpert;
  for (var k = lane; k < entriesOf(rows); k += LANES) {
    let size = select(0u, min(params.tile, rows - k * params.tile), here);
    let word = select(0u, (expert - params.firstExpert) * params.expertWords, here);
    entries[firstEntry + k] = vec4(word, firstRow + k * params.tile, size, 0u);
  }
  if (expert + 1u == EXPERTS) {
    for (var k = firstEntry + entriesOf(rows) + lane; k < params.entryCount; k += LANES) {
      entries[k] = vec4(0u);
    }
  }
}
