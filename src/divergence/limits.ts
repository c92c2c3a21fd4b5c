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

/** The bounds that a comparison is judged by. */
export interface PassLimits {
  readonly cosine: number;
  readonly ratio: number;
}

/** The limits of a run; only the cosine is for the person to choose. */
export function limitsOf(cosine: number | undefined): PassLimits {
  return { cosine: cosine ?? LIMITS.cosine.value, ratio: LIMITS.ratio.value };
}
