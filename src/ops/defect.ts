import type { DefectKind } from '../types/define-type';
import type { QuantType } from '../types/types';
import type { Edit } from './kernel-spec';

/**
 * A named error put into the real text of a kernel on purpose. One list an operation serves the self-test's proof that it sees anything,
 * the tests of defects, and `--inject`.
 */
export interface Defect {
  /** The kernel as the self-test calls it. */
  readonly kernel: string;
  readonly kind: DefectKind;
  /** What goes wrong. */
  readonly what: string;
  /** Cases with this type only. */
  readonly type?: QuantType;
  readonly edits: readonly Edit[];
}

/** A row of a table of defects: kind, what, and the edits. */
export type DefectRow = readonly [kind: DefectKind, what: string, ...edits: readonly Edit[]];

/** The defects of one kernel, seen with one type where they are of its products. */
export function defectsOf(kernel: string, rows: readonly DefectRow[], type?: QuantType): readonly Defect[] {
  return rows.map(([kind, what, ...edits]) => ({ kernel, kind, what, edits, ...(type === undefined ? {} : { type }) }));
}

/** What an edit may ask: whether a token is struck, all of them unless the constant STRUCK names one; and the constant USED. */
const QUESTIONS = `
override STRUCK = 0xffffffffu;
override USED = 1u;
fn struck(token: u32) -> bool {
  return STRUCK == 0xffffffffu || token == STRUCK;
}
`;

/**
 * A kernel's text with a defect. Lines keep their numbers where edits keep theirs: what edits may ask is added at the end.
 * @throws RangeError where an edit's place does not occur exactly once: it no longer fits the kernel
 */
export function editedText(code: string, edits: readonly Edit[]): string {
  let text = code;
  for (const [from, to] of edits) {
    const found = text.split(from).length - 1;
    if (found !== 1) throw new RangeError(`${JSON.stringify(from)} occurs ${found} times, not once`);
    text = text.replace(from, () => to);
  }
  return asksConstants(edits) ? text + QUESTIONS : text;
}

/** Whether edits ask for the constants STRUCK and USED. */
export function asksConstants(edits: readonly Edit[]): boolean {
  return edits.some(([, to]) => /\b(?:struck\(|USED\b)/.test(to));
}

/** Whether each edit's place occurs exactly once. */
export function editsFit(code: string, edits: readonly Edit[]): boolean {
  let text = code;
  return edits.every(([from, to]) => {
    const fits = text.split(from).length === 2;
    text = text.replace(from, () => to);
    return fits;
  });
}
