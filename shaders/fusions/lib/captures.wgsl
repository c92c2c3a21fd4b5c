// Captured values leave a kernel through `captures`: words, from the place that the params name, or nowhere. What is captured is chosen at run
// time and not by the pipeline, so that the arithmetic is the same instructions either way.
const NOWHERE = 0xffffffffu;

fn capture(place: u32, i: u32, value: f32) {
  if (place != NOWHERE) {
    captures[place + i] = bitcast<u32>(value);
  }
}
