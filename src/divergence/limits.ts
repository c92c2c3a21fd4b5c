/** Every pass bound of a verdict: name, value, unit and reason. */
export interface LimitSpec {
  readonly id: string;
  readonly value: number;
  readonly unit: string;
  readonly reason: string;
}

export const LIMITS = {
  cosine: {
    id: 'cosine',
    value: 0.99,
    unit: 'cosine of one position, free-running',
    reason:
      'The customary bound for traces that feed themselves, where honest rounding accumulates from layer to layer. It tells that something parted, not what is at fault.',
  },
  ratio: {
    id: 'ratio',
    value: 1,
    unit: 'error / derived bound, isolated',
    reason:
      'Fed the same input, an honest f32 kernel cannot exceed the bound that the reference derives for each element (docs/numerics.md). Above 1 is a defect.',
  },
} as const satisfies Record<string, LimitSpec>;

/**
 * How many times as long as the reference, or as short, a position's values may be where their cosine may be `limit`: an error that turns a vector by that
 * angle has a relative length of sqrt(2 (1 - limit)) if it leaves the length alone, and an error of that size changes the length by no more.
 */
export function longestOf(limit: number): number {
  return 1 + Math.sqrt(2 * Math.max(0, 1 - limit));
}

/** The bounds that a comparison is judged by. */
export interface PassLimits {
  readonly cosine: number;
  readonly ratio: number;
}

/** The limits of a run; only the cosine is for the person to choose. */
export function limitsOf(cosine: number | undefined): PassLimits {
  return { cosine: cosine ?? LIMITS.cosine.value, ratio: LIMITS.ratio.value };
}
