import { joined, say, type ShownText } from '../../base/foreign-text';

/** Notes as lines for standard error. */
export function noteLines(notes: readonly string[] = []): ShownText {
  return joined(notes.map((note) => say`note: ${note}\n`));
}
