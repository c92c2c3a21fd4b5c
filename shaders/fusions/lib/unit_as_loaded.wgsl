// What is fetched is the unit, where making it of its words takes no time worth sparing, or its type has no way of its own.
struct Loaded {
  unit: Unit,
}

fn fetch(row: u32, nIn: u32, unit: u32) -> Loaded {
  return Loaded(loadUnit(row, nIn, unit));
}

fn unitOf(loaded: Loaded, unit: u32) -> Unit {
  return loaded.unit;
}
