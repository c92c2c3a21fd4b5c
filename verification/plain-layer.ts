/*
 * One transformer block of Qwen3-MoE, written a second time from its formulas (shared by nobody): plain f64 arithmetic over rows, no reuse of
 * src/cpu, the slow textbook dequantiser. To be compared with the reference where numpy goldens would be too large.
 */

/** Rows of a weight matrix: row r as numbers. */
export type Matrix = (row: number) => readonly number[] | Float64Array;

export interface LayerWeights {
  readonly attnNorm: Float64Array;
  readonly q: Matrix;
  readonly k: Matrix;
  readonly v: Matrix;
  readonly qNorm: Float64Array;
  readonly kNorm: Float64Array;
  readonly attnOutput: Matrix;
  readonly ffnNorm: Float64Array;
  readonly router: Matrix;
  readonly gate: (expert: number) => Matrix;
  readonly up: (expert: number) => Matrix;
  readonly down: (expert: number) => Matrix;
}

export interface LayerSizes {
  readonly nEmbd: number;
  readonly nHead: number;
  readonly nHeadKv: number;
  readonly headDim: number;
  readonly nExpert: number;
  readonly nExpertUsed: number;
  readonly nFfExp: number;
  readonly rmsEps: number;
  readonly ropeTheta: number;
}

/** What the block computes for each token; experts in descending order of probability. */
export interface LayerValues {
  readonly attention: number[][];
  readonly residual: number[][];
  readonly probs: number[][];
  readonly experts: number[][];
  readonly weights: number[][];
  readonly moeOut: number[][];
  readonly output: number[][];
}

/** The block's values for a prompt that starts at position 0. @param x (nTokens, nEmbd) */
export function plainLayer(x: readonly Float64Array[], w: LayerWeights, s: LayerSizes): LayerValues {
  const normed = x.map((token) => norm(token, w.attnNorm, s.rmsEps));
  const queries = product(w.q, s.nHead * s.headDim, normed);
  const keys = product(w.k, s.nHeadKv * s.headDim, normed);
  const values = product(w.v, s.nHeadKv * s.headDim, normed);
  for (const [position, q] of queries.entries()) eachHead(q, s, w.qNorm, position);
  for (const [position, k] of keys.entries()) eachHead(k, s, w.kNorm, position);
  const attention = queries.map((q, position) => attend(q, keys.slice(0, position + 1), values, s));
  const projected = product(w.attnOutput, s.nEmbd, attention);
  const residual = x.map((token, t) => Array.from(token, (value, i) => value + at(projected, t, i)));

  const h = residual.map((token) => norm(token, w.ffnNorm, s.rmsEps));
  const probs = product(w.router, s.nExpert, h).map(softmax);
  const experts = probs.map((p) =>
    p
      .map((probability, expert) => ({ probability, expert }))
      .sort((a, b) => b.probability - a.probability || a.expert - b.expert)
      .slice(0, s.nExpertUsed)
      .map(({ expert }) => expert),
  );
  const weights = experts.map((chosen, t) => {
    const raw = chosen.map((expert) => at(probs, t, expert));
    const sum = raw.reduce((a, b) => a + b, 0);
    return raw.map((value) => value / sum);
  });
  const moeOut = h.map((token, t) => {
    const out = new Array<number>(s.nEmbd).fill(0);
    for (const [slot, expert] of (experts[t] ?? []).entries()) {
      const [gate = []] = product(w.gate(expert), s.nFfExp, [token]);
      const [up = []] = product(w.up(expert), s.nFfExp, [token]);
      const hidden = gate.map((g, i) => (g / (1 + Math.exp(-g))) * (up[i] ?? NaN));
      const [down = []] = product(w.down(expert), s.nEmbd, [hidden]);
      for (let i = 0; i < out.length; i++) out[i] = (out[i] ?? NaN) + at(weights, t, slot) * (down[i] ?? NaN);
    }
    return out;
  });
  const output = residual.map((token, t) => token.map((value, i) => value + at(moeOut, t, i)));
  return { attention, residual, probs, experts, weights, moeOut, output };
}

function at(rows: readonly (readonly number[])[], row: number, i: number): number {
  return rows[row]?.[i] ?? NaN;
}

/** y[t][r] = w_r . x_t */
function product(w: Matrix, nOut: number, x: readonly ArrayLike<number>[]): number[][] {
  const y = x.map(() => new Array<number>(nOut).fill(0));
  for (let r = 0; r < nOut; r++) {
    const row = w(r);
    for (const [t, token] of x.entries()) {
      let sum = 0;
      for (let i = 0; i < row.length; i++) sum += (row[i] ?? NaN) * (token[i] ?? NaN);
      const out = y[t];
      if (out !== undefined) out[r] = sum;
    }
  }
  return y;
}

function norm(x: ArrayLike<number>, weight: ArrayLike<number>, eps: number): number[] {
  const values = Array.from(x);
  const meanSquare = values.reduce((sum, v) => sum + v * v, 0) / values.length;
  return values.map((v, i) => (v / Math.sqrt(meanSquare + eps)) * (weight[i] ?? NaN));
}

/** Norm and rotation of every head of one token, in place: pairs (i, i + headDim / 2). */
function eachHead(token: number[], s: LayerSizes, weight: Float64Array, position: number): void {
  const half = s.headDim / 2;
  for (let start = 0; start < token.length; start += s.headDim) {
    const head = norm(token.slice(start, start + s.headDim), weight, s.rmsEps);
    for (let i = 0; i < half; i++) {
      const angle = position * s.ropeTheta ** ((-2 * i) / s.headDim);
      const [a = NaN, b = NaN] = [head[i], head[i + half]];
      token[start + i] = a * Math.cos(angle) - b * Math.sin(angle);
      token[start + i + half] = a * Math.sin(angle) + b * Math.cos(angle);
    }
  }
}

/** Attention of one token over `keys`, which end with its own. */
function attend(
  q: readonly number[],
  keys: readonly (readonly number[])[],
  values: readonly (readonly number[])[],
  s: LayerSizes,
): number[] {
  const out = new Array<number>(q.length).fill(0);
  for (let head = 0; head < s.nHead; head++) {
    const kv = Math.floor(head / (s.nHead / s.nHeadKv)) * s.headDim;
    const own = head * s.headDim;
    const scores = keys.map((key) => {
      let sum = 0;
      for (let i = 0; i < s.headDim; i++) sum += (q[own + i] ?? NaN) * (key[kv + i] ?? NaN);
      return sum / Math.sqrt(s.headDim);
    });
    for (const [t, p] of softmax(scores).entries()) {
      for (let i = 0; i < s.headDim; i++) out[own + i] = (out[own + i] ?? NaN) + p * at(values, t, kv + i);
    }
  }
  return out;
}

function softmax(x: readonly number[]): number[] {
  const most = Math.max(...x);
  const e = x.map((v) => Math.exp(v - most));
  const sum = e.reduce((a, b) => a + b, 0);
  return e.map((v) => v / sum);
}
