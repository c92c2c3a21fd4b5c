// x with rows at any element and of any length.
@group(0) @binding(0) var<storage, read> x: array<f32>;

// Where the row of x that begins at `element` is.
fn xRow(element: u32) -> u32 {
  return element;
}

// Elements 4 * column to 4 * column + 3 of the row; zero beyond nIn, whatever memory holds there.
fn xColumn(row: u32, column: u32) -> vec4<f32> {
  let k = vec4(4u * column) + vec4(0u, 1u, 2u, 3u);
  let at = min(k, vec4(params.nIn - 1u)) + row;
  return select(vec4(0.0), vec4(x[at.x], x[at.y], x[at.z], x[at.w]), k < vec4(params.nIn));
}
