/*
 * What one core can do at most: f64x2 multiplications and as many additions, in registers, none of which waits for one of its turn.
 */

/** Fourteen sums and products a turn, in as many registers. @returns something of all of them, so that none is left out */
export function peak(turns: u32, by: f64): f64 {
  const w = f64x2.splat(by);
  let a = w;
  let b = w;
  let c = w;
  let d = w;
  let e = w;
  let f = w;
  let g = w;
  let h = w;
  let i = w;
  let j = w;
  let k = w;
  let l = w;
  let m = w;
  let n = w;
  for (let turn: u32 = 0; turn < turns; turn++) {
    a = f64x2.mul(a, w);
    h = f64x2.add(h, w);
    b = f64x2.mul(b, w);
    i = f64x2.add(i, w);
    c = f64x2.mul(c, w);
    j = f64x2.add(j, w);
    d = f64x2.mul(d, w);
    k = f64x2.add(k, w);
    e = f64x2.mul(e, w);
    l = f64x2.add(l, w);
    f = f64x2.mul(f, w);
    m = f64x2.add(m, w);
    g = f64x2.mul(g, w);
    n = f64x2.add(n, w);
  }
  const products = f64x2.add(f64x2.add(f64x2.add(a, b), f64x2.add(c, d)), f64x2.add(f64x2.add(e, f), g));
  const sums = f64x2.add(f64x2.add(f64x2.add(h, i), f64x2.add(j, k)), f64x2.add(f64x2.add(l, m), n));
  const all = f64x2.add(products, sums);
  return f64x2.extract_lane(all, 0) + f64x2.extract_lane(all, 1);
}
