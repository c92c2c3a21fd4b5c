// The products of rows of W with x, a lane's share of them. f32 sums in a fixed order.
// <dot> fetches the words of a unit and decodes them only where they are used, because the first use waits for the load.
// The kernel gives x by `xAt(column)`, four values a column. Where a lane has one unit of every row, it keeps the part of x that this unit meets
// in registers, and meets row after row with it: weights are all that moves. Written without loops over registers: an array that is indexed in
// a loop may end up in memory, and long code costs more than it saves when kernels of six kinds take turns (docs/performance.md).
#include <dot>

// The elements of x that a unit of W meets, and their sum for each chunk.
struct LaneX {
  first: array<vec4<f32>, 8>,
  second: array<vec4<f32>, 8>,
  totals: vec2<f32>,
}

fn chunkX(unit: u32, chunk: u32) -> array<vec4<f32>, 8> {
  return array<vec4<f32>, 8>(
    xAt(chunkColumn(unit, chunk, 0u)), xAt(chunkColumn(unit, chunk, 1u)),
    xAt(chunkColumn(unit, chunk, 2u)), xAt(chunkColumn(unit, chunk, 3u)),
    xAt(chunkColumn(unit, chunk, 4u)), xAt(chunkColumn(unit, chunk, 5u)),
    xAt(chunkColumn(unit, chunk, 6u)), xAt(chunkColumn(unit, chunk, 7u)),
  );
}

fn laneX(unit: u32) -> LaneX {
  var x: LaneX;
  x.first = chunkX(unit, 0u);
  x.totals.x = chunkTotal(x.first);
  if (CHUNKS == 2u) {
    x.second = chunkX(unit, 1u);
    x.totals.y = chunkTotal(x.second);
  }
  return x;
}

fn unitDot(unit: Unit, x: LaneX) -> f32 {
  let sum = chunkDot(unit, 0u, x.first, x.totals.x);
  if (CHUNKS == 2u) {
    return sum + chunkDot(unit, 1u, x.second, x.totals.y);
  }
  return sum;
}

#include <walk>
