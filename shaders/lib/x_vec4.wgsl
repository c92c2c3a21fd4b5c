// x with every row on 16 bytes, nIn a multiple of 32.
@group(0) @binding(0) var<storage, read> x: array<vec4<f32>>;

// Where the row of x that begins at `element` is.
fn xRow(element: u32) -> u32 {
  return element >> 2u;
}

// Elements 4 * column to 4 * column + 3 of the row.
fn xColumn(row: u32, column: u32) -> vec4<f32> {
  return x[row + column];
}
