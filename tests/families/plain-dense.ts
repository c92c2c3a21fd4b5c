import type { ModelFile } from '../../src/gguf/model-file';

/*
 * Dense Qwen3 and Llama as their papers have them, in plain loops of f64: what the exact engine is held against where no golden is. It shares
 * nothing with the engine but the bytes of the file.
 */

/** Sizes of a dense model, and what makes it one or the other. */
export interface PlainModel {
  readonly nLayer: number;
  readonly nEmbd: number;
  readonly nHead: number;
  readonly nHeadKv: number;
  readonly headDim: number;
  readonly nFf: number;
  readonly nVocab: number;
  readonly eps: number;
  readonly theta: number;
  /** Whether channels 2i and 2i + 1 turn together; else i and i + headDim / 2. */
  readonly neighbours: boolean;
  /** Whether each head of queries and keys has a norm. */
  readonly headNorms: boolean;
}

type Vector = readonly number[];

/** Every stage of every layer, `<stage>-<layer>`, of all tokens one after the other. */
export async function plainDense(
  model: ModelFile,
  m: PlainModel,
  tokens: readonly number[],
): Promise<ReadonlyMap<string, Vector>> {
  const weights = await floatsOf(model);
  const stages = new Map<string, number[]>();
  const keep = (name: string, layer: number | undefined, values: Vector): void => {
    const key = layer === undefined ? name : `${name}-${layer}`;
    stages.set(key, [...(stages.get(key) ?? []), ...values]);
  };
  const weight = (name: string): Float32Array => {
    const found = weights.get(name);
    if (found === undefined) throw new Error(`no ${name}`);
    return found;
  };
  const factors = weights.get('rope_freqs.weight');
  let xs = tokens.map((token) => [...weight('token_embd.weight').subarray(token * m.nEmbd, (token + 1) * m.nEmbd)]);
  for (const x of xs) keep('embedding', undefined, x);
  for (let l = 0; l < m.nLayer; l++) {
    const w = (role: string): Float32Array => weight(`blk.${l}.${role}.weight`);
    const heads = (x: Vector): Vector[] =>
      Array.from({ length: x.length / m.headDim }, (_, h) => x.slice(h * m.headDim, (h + 1) * m.headDim));
    const keys: Vector[][] = [];
    const values: Vector[][] = [];
    const next: number[][] = [];
    for (const [position, x] of xs.entries()) {
      const take = (name: string, of: Vector): Vector => {
        keep(name, l, of);
        return of;
      };
      const h = take('attn_norm', rms(x, w('attn_norm'), m.eps));
      let q = heads(take('q_proj', times(w('attn_q'), h)));
      let k = heads(take('k_proj', times(w('attn_k'), h)));
      values.push(heads(take('v_proj', times(w('attn_v'), h))));
      if (m.headNorms) {
        q = q.map((head) => rms(head, w('attn_q_norm'), m.eps));
        k = k.map((head) => rms(head, w('attn_k_norm'), m.eps));
        take('q_norm', q.flat());
        take('k_norm', k.flat());
      }
      q = q.map((head) => turned(head, position, m, factors));
      k = k.map((head) => turned(head, position, m, factors));
      take('q_post_rope', q.flat());
      take('k_post_rope', k.flat());
      keys.push(k);
      const a = q.map((head, i) => {
        const kv = Math.floor(i / (m.nHead / m.nHeadKv));
        const scores = keys.map((key) => dot(head, key[kv] ?? []) / Math.sqrt(m.headDim));
        const most = Math.max(...scores);
        const shares = scores.map((s) => Math.exp(s - most));
        const sum = shares.reduce((y, z) => y + z, 0);
        return head.map((_, d) => shares.reduce((y, p, t) => y + (p / sum) * (values[t]?.[kv]?.[d] ?? NaN), 0));
      });
      const mid = plus(x, take('attn_out', times(w('attn_output'), take('attention', a.flat()))));
      take('post_attn_residual', mid);
      const f = take('ffn_norm', rms(mid, w('ffn_norm'), m.eps));
      const gate = take('ffn_gate', times(w('ffn_gate'), f));
      const up = take('ffn_up', times(w('ffn_up'), f));
      const product = gate.map((g, i) => (g / (1 + Math.exp(-g))) * (up[i] ?? NaN));
      const out = take('ffn_out', times(w('ffn_down'), take('ffn_swigl', product)));
      next.push([...take('post_ffn_residual', plus(mid, out))]);
    }
    xs = next;
  }
  for (const x of xs) {
    const h = rms(x, weight('output_norm.weight'), m.eps);
    keep('final_norm', undefined, h);
    keep('lm_head', undefined, times(weight('output.weight'), h));
  }
  return stages;
}

async function floatsOf(model: ModelFile): Promise<ReadonlyMap<string, Float32Array>> {
  const found = new Map<string, Float32Array>();
  for (const [name, tensor] of model.tensors) {
    const bytes = await model.readTensor(tensor, 0, 4 * tensor.elements);
    found.set(name, new Float32Array(bytes.slice().buffer));
  }
  return found;
}

function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] ?? NaN) * (b[i] ?? NaN);
  return sum;
}

/** W {x.length, rows} times x. */
function times(w: Float32Array, x: Vector): Vector {
  return Array.from({ length: w.length / x.length }, (_, r) => dot(w.subarray(r * x.length, (r + 1) * x.length), x));
}

function plus(a: Vector, b: Vector): Vector {
  return a.map((x, i) => x + (b[i] ?? NaN));
}

function rms(x: Vector, w: Float32Array, eps: number): Vector {
  const scale = 1 / Math.sqrt(dot(x, x) / x.length + eps);
  return x.map((value, i) => value * scale * (w[i] ?? NaN));
}

function turned(x: Vector, position: number, m: PlainModel, factors: Float32Array | undefined): Vector {
  const out = [...x];
  for (let i = 0; i < m.headDim / 2; i++) {
    const angle = (position * m.theta ** ((-2 * i) / m.headDim)) / (factors?.[i] ?? 1);
    const [first, second] = m.neighbours ? [2 * i, 2 * i + 1] : [i, i + m.headDim / 2];
    const [a, b] = [x[first] ?? NaN, x[second] ?? NaN];
    out[first] = a * Math.cos(angle) - b * Math.sin(angle);
    out[second] = a * Math.sin(angle) + b * Math.cos(angle);
  }
  return out;
}
