import type { TraceCard } from '../worker/trace-cards';

/** Engines that can be a reference, the best first. */
const REFERENCES: readonly string[] = ['cpu', 'exact-gpu', 'cpu-ggml', 'reference', 'golden'];

export interface Sides {
  readonly a: string | undefined;
  readonly b: string | undefined;
  /** Both sides came with this drop: nothing to ask. */
  readonly atOnce: boolean;
}

/** Which of the traces to compare: the candidate and the reference. What was just added comes first. */
export function chooseSides(added: readonly TraceCard[], all: readonly TraceCard[]): Sides {
  const [first, second] = added;
  if (first === undefined) return { a: undefined, b: undefined, atOnce: false };
  if (second !== undefined) {
    const b = referenceOf(added) ?? second;
    const a = added.find((card) => card.id !== b.id) ?? first;
    return { a: a.id, b: b.id, atOnce: true };
  }
  const others = all.filter((card) => card.id !== first.id);
  if (REFERENCES.includes(first.engine)) {
    const a = others.find((card) => !REFERENCES.includes(card.engine)) ?? others[0];
    return { a: a?.id, b: first.id, atOnce: false };
  }
  return { a: first.id, b: (referenceOf(others) ?? others[0])?.id, atOnce: false };
}

function referenceOf(cards: readonly TraceCard[]): TraceCard | undefined {
  for (const engine of REFERENCES) {
    const found = cards.find((card) => card.engine === engine);
    if (found !== undefined) return found;
  }
  return undefined;
}
