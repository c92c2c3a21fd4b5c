// 32 values: four signed bytes a word, in order; what multiplies each half of 16.
struct Group {
  q: array<u32, 8>,
  scale: vec2<i32>,
  low: vec2<i32>,
}
