// Types without a minimum: every value is a product of small integers, which f32 holds.
const HAS_LOW = false;

fn lowOf(block: u32) -> Scale {
  return Scale(0, 0, true);
}

fn unrounded(scale: Scale, low: Scale) -> bool {
  return true;
}
