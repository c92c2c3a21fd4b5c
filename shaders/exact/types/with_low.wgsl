// Types with a minimum: ggml rounds scale * q + low to f32. No value of a block is rounded where all are multiples of one unit below 2^24 of it,
// which is so unless the two scales differ by a factor of about a hundred. MAX_Q, MAX_LOW: the largest integers that they are multiplied by.
// LOW_AT: where a block has its minimum, f16, in bytes.
const HAS_LOW = true;

fn lowOf(block: u32) -> Scale {
  return halfScale(halfAt(block + LOW_AT));
}

fn unrounded(scale: Scale, low: Scale) -> bool {
  if (scale.mantissa == 0 || low.mantissa == 0) {
    return true;
  }
  let largest = u32(abs(scale.mantissa)) * MAX_Q;
  let lowest = u32(abs(low.mantissa)) * MAX_LOW;
  let finest = min(scale.shift, low.shift);
  let up = u32(scale.shift - finest);
  let lowUp = u32(low.shift - finest);
  let limit = 1u << 24u;
  return up < 24u && lowUp < 24u && largest <= (limit >> up) && lowest <= (limit >> lowUp) && (largest << up) + (lowest << lowUp) < limit;
}
