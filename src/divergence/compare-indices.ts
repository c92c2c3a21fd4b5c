import type { Capture } from '../model/engine';
import { isOutside } from '../model/router-ranks';
import { UNIT } from '../base/f32-error';
import type { Flip } from './report';

/** A flip with what is needed to judge it. */
export interface JudgedFlip extends Flip {
  /**
   * True when the drift of the two engines' probabilities accounts for the choice. False means that the candidate chose against its own
   * probabilities: its top-k is wrong.
   */
  readonly explained: boolean;
}

export interface IndexComparison {
  /** Chosen slots compared. */
  readonly count: number;
  /** Mean over positions of |A and B| / |A or B|. */
  readonly jaccard: number;
  readonly flips: readonly JudgedFlip[];
  /** Jaccard of each position. */
  readonly perPosition: readonly number[];
  /** Index ids of `a` that are no valid expert, or that repeat in one token. */
  readonly invalidAt: number | undefined;
}

export interface Probabilities {
  readonly a: Capture | undefined;
  readonly b: Capture | undefined;
}

/**
 * Compares chosen experts as sets, position by position. `shape` of both captures is (positions, nExpertUsed). With the probabilities of
 * both engines, (positions, nExpert), a flip is judged: expert e chosen by a over f chosen by b needs
 * p_b(f) - p_b(e) <= |p_a(f) - p_b(f)| + |p_a(e) - p_b(e)|, plus one rounding to f32 of each, or a chose against its own numbers.
 */
export function compareIndices(a: Capture, b: Capture, nExpert: number, probs: Probabilities): IndexComparison {
  const k = b.shape[1] ?? 0;
  const flips: JudgedFlip[] = [];
  const perPosition: number[] = [];
  let invalidAt: number | undefined;
  for (const [row, position] of b.positions.entries()) {
    const chosenA = [...a.data.subarray(row * k, (row + 1) * k)];
    const chosenB = [...b.data.subarray(row * k, (row + 1) * k)];
    const setA = new Set(chosenA);
    const setB = new Set(chosenB);
    if (invalidAt === undefined && (setA.size !== chosenA.length || chosenA.some((e) => e >= nExpert)))
      invalidAt = row * k;
    const onlyA = [...setA].filter((e) => !setB.has(e));
    const onlyB = [...setB].filter((e) => !setA.has(e));
    const both = setB.size - onlyB.length;
    perPosition.push(both / (both + onlyA.length + onlyB.length));
    if (onlyA.length > 0 || onlyB.length > 0) {
      flips.push({ position, onlyA, onlyB, ...judge(position, chosenB, onlyA, onlyB, nExpert, probs) });
    }
  }
  const jaccard = perPosition.length === 0 ? 1 : perPosition.reduce((x, y) => x + y, 0) / perPosition.length;
  return { count: b.data.length, jaccard, flips, perPosition, invalidAt };
}

/** The reference's p(k) - p(k+1) at each captured position; the probabilities are (positions, nExpert). */
export function routerMargins(probs: Capture, nExpertUsed: number): readonly number[] {
  const nExpert = probs.shape[1] ?? 0;
  return probs.positions.map((_, row) => {
    const ranks = [...probs.data.subarray(row * nExpert, (row + 1) * nExpert)].filter((p) => !isOutside(p));
    const sorted = ranks.sort((x, y) => y - x);
    const last = sorted[nExpertUsed - 1] ?? NaN;
    return nExpertUsed === sorted.length ? last : last - (sorted[nExpertUsed] ?? NaN);
  });
}

function judge(
  position: number,
  chosenB: readonly number[],
  onlyA: readonly number[],
  onlyB: readonly number[],
  nExpert: number,
  probs: Probabilities,
): Omit<JudgedFlip, 'position' | 'onlyA' | 'onlyB'> {
  const pB = rowAt(probs.b, position, nExpert);
  if (pB === undefined) return { margin: NaN, explained: true };
  const rejected = [...pB].filter((p, e) => !chosenB.includes(e) && !isOutside(p));
  // Where none is rejected the margin is to nothing at all. Router values may be negative: not all are probabilities.
  const next = rejected.length === 0 ? 0 : Math.max(...rejected);
  const margin = Math.min(...chosenB.map((e) => pB[e] ?? NaN)) - next;
  const pA = rowAt(probs.a, position, nExpert);
  let drift = 0;
  let explained = true;
  for (const e of onlyA) {
    for (const f of onlyB) {
      const e0 = pB[e] ?? NaN;
      const f0 = pB[f] ?? NaN;
      // Without the candidate's own numbers, or fed the reference's, only the rounding of the input to f32 is left.
      const driftE = pA === undefined ? 0 : Math.abs((pA[e] ?? NaN) - e0);
      const driftF = pA === undefined ? 0 : Math.abs((pA[f] ?? NaN) - f0);
      // Where one side could not choose an expert at all, other groups were chosen: their drift is told of them.
      if (![e0, f0, pA?.[e] ?? 0, pA?.[f] ?? 0].some(isOutside)) drift = Math.max(drift, driftE, driftF);
      // A NaN probability explains any choice: the fault lies above.
      if (f0 - e0 > driftE + driftF + UNIT * (Math.abs(e0) + Math.abs(f0))) explained = false;
    }
  }
  return { margin, ...(pA === undefined ? {} : { drift }), explained };
}

function rowAt(captured: Capture | undefined, position: number, width: number): Float32Array | Uint32Array | undefined {
  const row = captured?.positions.indexOf(position) ?? -1;
  return captured === undefined || row < 0 ? undefined : captured.data.subarray(row * width, (row + 1) * width);
}
