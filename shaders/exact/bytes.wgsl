// The file's bytes as they are. Blocks begin at any byte: a word is put together from two.

fn wordAt(address: u32) -> u32 {
  let i = address >> 2u;
  let bits = (address & 3u) * 8u;
  if (bits == 0u) {
    return weights[i];
  }
  return (weights[i] >> bits) | (weights[i + 1u] << (32u - bits));
}

fn byteAt(address: u32) -> u32 {
  return (weights[address >> 2u] >> ((address & 3u) * 8u)) & 0xFFu;
}

fn halfAt(address: u32) -> u32 {
  return byteAt(address) | (byteAt(address + 1u) << 8u);
}

fn signedByteAt(address: u32) -> i32 {
  return i32(byteAt(address) << 24u) >> 24u;
}

// Four codes of a byte each, minus 2^(bits-1), as four signed bytes: the highest bit turned round and repeated.
fn centred(codes: u32, highest: u32, repeat: u32) -> u32 {
  let turned = codes ^ highest;
  return turned | ((turned & highest) * repeat);
}

// A scale as an integer times a power of two.
struct Scale {
  mantissa: i32,
  shift: i32,
  finite: bool,
}

// f16 bits: mantissa * 2^(shift - 24)
fn halfScale(bits: u32) -> Scale {
  let exponent = (bits >> 10u) & 31u;
  let fraction = i32(bits & 0x3FFu);
  let mantissa = select(fraction + 1024, fraction, exponent == 0u);
  return Scale(select(mantissa, -mantissa, (bits & 0x8000u) != 0u), max(i32(exponent) - 1, 0), exponent != 31u);
}
