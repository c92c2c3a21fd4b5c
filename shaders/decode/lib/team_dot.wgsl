// The products of ROWS rows of W with x, a lane's share of them: lane `member` of LANES walks the units member, member + LANES, ... of each
// row, so that neighbouring lanes load neighbouring bytes, and takes each part of x once for all the rows. f32 sums in a fixed order.
// In two steps, so that the first weights are under way while other things are: loadRows, then dotRows.
#include <dot>

fn dot32(a: array<vec4<f32>, 8>, b: array<vec4<f32>, 8>) -> f32 {
  return dot(a[0], b[0]) + dot(a[1], b[1]) + dot(a[2], b[2]) + dot(a[3], b[3])
    + dot(a[4], b[4]) + dot(a[5], b[5]) + dot(a[6], b[6]) + dot(a[7], b[7]);
}

// The elements of x that a chunk of W meets.
fn chunkX(unit: u32, chunk: u32) -> array<vec4<f32>, 8> {
  return array<vec4<f32>, 8>(
    xAt(chunkColumn(unit, chunk, 0u)), xAt(chunkColumn(unit, chunk, 1u)),
    xAt(chunkColumn(unit, chunk, 2u)), xAt(chunkColumn(unit, chunk, 3u)),
    xAt(chunkColumn(unit, chunk, 4u)), xAt(chunkColumn(unit, chunk, 5u)),
    xAt(chunkColumn(unit, chunk, 6u)), xAt(chunkColumn(unit, chunk, 7u)),
  );
}

// Where ROWS rows from `first` on begin; rows beyond the end repeat the last one.
fn rowPlaces(first: u32, rows: u32, rowVec4s: u32) -> array<u32, ROWS> {
  var places: array<u32, ROWS>;
  for (var r = 0u; r < ROWS; r++) {
    places[r] = min(first + r, rows - 1u) * rowVec4s;
  }
  return places;
}

fn loadRows(places: array<u32, ROWS>, unit: u32) -> array<Unit, ROWS> {
  var loaded: array<Unit, ROWS>;
  for (var r = 0u; r < ROWS; r++) {
    loaded[r] = loadUnit(places[r], N_IN, unit);
  }
  return loaded;
}

// A lane without a unit of its own loads the last one.
fn firstUnit(member: u32) -> u32 {
  return min(member, rowUnits(N_IN) - 1u);
}

fn dotRows(places: array<u32, ROWS>, member: u32, first: array<Unit, ROWS>) -> array<f32, ROWS> {
  var sums: array<f32, ROWS>;
  let units = rowUnits(N_IN);
  var loaded = first;
  for (var u = member; u < units; u += LANES) {
    var next = loaded;
    if (u + LANES < units) {
      next = loadRows(places, u + LANES);
    }
    for (var c = 0u; c < CHUNKS; c++) {
      let v = chunkX(u, c);
      let total = chunkTotal(v);
      for (var r = 0u; r < ROWS; r++) {
        sums[r] += chunkDot(loaded[r], c, v, total);
      }
    }
    loaded = next;
  }
  return sums;
}
