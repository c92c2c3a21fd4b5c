import type { OpAttrs, RopePairing } from '../../arch/operations';

/** What turns a head: base, channels that turn, pairing, and how positions beyond the model's training are scaled. */
export type RopeAttrs = OpAttrs['rope'];

/** What the frequency of each pair is divided by; undefined: by nothing. */
export type RopeFactors = Float32Array | undefined;

/** Cosine and sine of one position's rotary angles, each (dims / 2), times the magnitude. */
export interface RopeTable {
  readonly cos: Float64Array;
  readonly sin: Float64Array;
  /** Length of (cos, sin): 1 but where YaRN makes up for its mixed frequencies. */
  readonly magnitude: number;
}

/** Turns of a full circle over the trained context above which YaRN leaves a frequency as it is, and below which it divides it. ggml's defaults. */
const YARN_BETA_FAST = 32;
const YARN_BETA_SLOW = 1;
/** A ramp of no length still has a slope. ggml: `rope_yarn_ramp`. */
const SHORTEST_RAMP = 0.001;

/**
 * Angle of position 1 by pair, and the magnitude. Frequency i is theta^(-2i / dims) (Su et al., RoFormer, 2021). `linear` divides all of them by
 * the factor (Chen et al., 2023). `yarn` divides the slow ones, keeps the fast ones, and lengthens by 1 + 0.1 ln(factor) (Peng et al., 2023), its
 * corners rounded outwards as ggml's `ggml_rope_yarn_corr_dims` does.
 * @param factors what each frequency is divided by before that, (dims / 2): Llama 3's `rope_freqs`
 */
export function ropeFrequencies(
  { theta, dims, scaling }: Omit<RopeAttrs, 'pairing'>,
  factors?: RopeFactors,
): { readonly frequencies: Float64Array; readonly magnitude: number } {
  const frequencies = Float64Array.from(
    { length: dims / 2 },
    (_, i) => theta ** ((-2 * i) / dims) / (factors?.[i] ?? 1),
  );
  if (scaling === undefined) return { frequencies, magnitude: 1 };
  const { factor, attnFactor } = scaling;
  if (scaling.kind === 'linear') return { frequencies: frequencies.map((f) => f / factor), magnitude: attnFactor };
  const corner = (turns: number): number =>
    (dims * Math.log(scaling.originalContext / (turns * 2 * Math.PI))) / (2 * Math.log(theta));
  const low = Math.max(0, Math.floor(corner(YARN_BETA_FAST)));
  const high = Math.min(dims - 1, Math.ceil(corner(YARN_BETA_SLOW)));
  const mixed = frequencies.map((f, i) => {
    const ramp = Math.min(1, Math.max(0, (i - low) / Math.max(SHORTEST_RAMP, high - low)));
    return (f / factor) * ramp + f * (1 - ramp);
  });
  return { frequencies: mixed, magnitude: (1 + 0.1 * Math.log(factor)) * attnFactor };
}

/** Angle i is position times frequency i, in f64. */
export function ropeTable(position: number, attrs: Omit<RopeAttrs, 'pairing'>, factors?: RopeFactors): RopeTable {
  const { frequencies, magnitude } = ropeFrequencies(attrs, factors);
  return {
    cos: frequencies.map((f) => Math.cos(position * f) * magnitude),
    sin: frequencies.map((f) => Math.sin(position * f) * magnitude),
    magnitude,
  };
}

/** Channels from one pair to the next, and from a pair's first channel to its second. */
export function pairSteps({ pairing, dims }: Pick<RopeAttrs, 'pairing' | 'dims'>): {
  readonly step: number;
  readonly apart: number;
} {
  return pairing === 'neox' ? { step: 1, apart: dims / 2 } : { step: 2, apart: 1 };
}

/**
 * Rotates one head that starts at `at`: its first channels, as many as the table has angles for; the others pass. Pairs are
 * (i, i + dims / 2), the NEOX layout, or (2i, 2i + 1).
 */
export function rope(
  x: Float64Array,
  at: number,
  table: RopeTable,
  out: Float64Array,
  outAt: number,
  headDim = 2 * table.cos.length,
  pairing: RopePairing = 'neox',
): void {
  const { cos, sin } = table;
  const half = cos.length;
  const { step, apart } = pairSteps({ pairing, dims: 2 * half });
  for (let i = 0; i < half; i++) {
    const first = i * step;
    const a = x[at + first]!;
    const b = x[at + first + apart]!;
    out[outAt + first] = a * cos[i]! - b * sin[i]!;
    out[outAt + first + apart] = a * sin[i]! + b * cos[i]!;
  }
  for (let i = 2 * half; i < headDim; i++) out[outAt + i] = x[at + i]!;
}
