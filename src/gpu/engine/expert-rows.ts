/** One expert and the slots that chose it. */
export interface ExpertRows {
  readonly expert: number;
  /** token * nExpertUsed + slot, ascending. */
  readonly slots: readonly number[];
}

/** Which slots of (tokens, nExpertUsed) each chosen expert serves; experts ascending, those that nobody chose left out. */
export function expertRows(indices: Uint32Array): readonly ExpertRows[] {
  const byExpert = new Map<number, number[]>();
  for (const [slot, expert] of indices.entries()) {
    const slots = byExpert.get(expert);
    if (slots === undefined) byExpert.set(expert, [slot]);
    else slots.push(slot);
  }
  return [...byExpert].sort(([a], [b]) => a - b).map(([expert, slots]) => ({ expert, slots }));
}
