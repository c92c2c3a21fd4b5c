import { short } from '../base/format';

/** Another way to read a weight, which gives the wrong values. */
export type Reading =
  | { readonly code: 'read-as-type'; readonly parameters: { readonly type: string } }
  | { readonly code: 'other-row'; readonly parameters: { readonly shift: number } }
  | { readonly code: 'other-expert'; readonly parameters: { readonly expert: number } }
  | { readonly code: 'other-tensor'; readonly parameters: { readonly tensor: string } }
  /** The right weights with another token's input. */
  | { readonly code: 'other-input'; readonly parameters: { readonly position: number } };

/** Why a product's values are wrong, as far as they tell. */
export type CauseKind =
  | Reading
  /** Zeros, as if nothing had been written. */
  | { readonly code: 'not-computed'; readonly parameters: Readonly<Record<string, never>> }
  /** Small errors, in most rows or in some: `share` is the largest, of the sum of the terms' magnitudes. */
  | { readonly code: 'low-precision'; readonly parameters: { readonly share: number } }
  | { readonly code: 'unexplained'; readonly parameters: Readonly<Record<string, never>> };

export const CAUSE_CODES = [
  'read-as-type',
  'other-row',
  'other-expert',
  'other-tensor',
  'other-input',
  'not-computed',
  'low-precision',
  'unexplained',
] as const satisfies readonly CauseKind['code'][];

export type Cause = CauseKind & {
  /** False: values that are not finite fit every reading that is not; the cause is plausible, no more. */
  readonly proven: boolean;
  /** Where not all rows of the weight are wrong: how many are, of how many. */
  readonly rows?: { readonly wrong: number; readonly of: number };
  /** Further readings that would be as plausible. */
  readonly alternatives?: readonly Reading[];
};

/** The cause as a clause of the verdict's sentence. {@link causeFromText} reads it back. */
export function causeText(cause: Cause): string {
  const alone = cause.rows === undefined ? '' : `${cause.rows.wrong} of ${cause.rows.of} rows wrong, `;
  switch (cause.code) {
    case 'not-computed':
      return `${alone}the values are 0, as if not computed`;
    case 'low-precision':
      return `${alone}off by at most ${short(cause.parameters.share)} of the terms' sum, as with too few digits`;
    case 'unexplained':
      return `${alone}no other type, expert or row of the tensor gives these values`;
    default:
      return cause.proven
        ? `${alone}the values are those of ${readingText(cause)}`
        : `${alone}so they would be with ${[cause, ...(cause.alternatives ?? [])].map(readingText).join(', or ')}`;
  }
}

/** What goes after "the values are those of". */
export function readingText(reading: Reading): string {
  switch (reading.code) {
    case 'read-as-type':
      return `the tensor read as ${reading.parameters.type}`;
    case 'other-row':
      return `the ${reading.parameters.shift > 0 ? 'next' : 'previous'} row's weights`;
    case 'other-expert':
      return `expert ${reading.parameters.expert}'s weights`;
    case 'other-tensor':
      return reading.parameters.tensor;
    case 'other-input':
      return `token ${reading.parameters.position}'s input`;
  }
}

/** The cause that {@link causeText} wrote: saved tensors and reports of schema 1 keep the text alone. Undefined for other text. */
export function causeFromText(text: string): Cause | undefined {
  const counted = /^(\d+) of (\d+) rows wrong, /.exec(text);
  const rows = counted === null ? {} : { rows: { wrong: Number(counted[1]), of: Number(counted[2]) } };
  const clause = text.slice(counted?.[0].length ?? 0);
  if (clause === 'the values are 0, as if not computed') {
    return { code: 'not-computed', parameters: {}, proven: true, ...rows };
  }
  if (clause === 'no other type, expert or row of the tensor gives these values') {
    return { code: 'unexplained', parameters: {}, proven: false, ...rows };
  }
  const share = /^off by at most (\S+) of the terms' sum, as with too few digits$/.exec(clause)?.[1];
  if (share !== undefined)
    return { code: 'low-precision', parameters: { share: Number(share) }, proven: true, ...rows };
  const proven = 'the values are those of ';
  const plausible = 'so they would be with ';
  if (clause.startsWith(proven)) {
    const reading = readingFromText(clause.slice(proven.length));
    return reading === undefined ? undefined : { ...reading, proven: true, ...rows };
  }
  if (!clause.startsWith(plausible)) return undefined;
  const [first, ...alternatives] = clause
    .slice(plausible.length)
    .split(', or ')
    .flatMap((part) => readingFromText(part) ?? []);
  if (first === undefined) return undefined;
  return { ...first, proven: false, ...rows, ...(alternatives.length === 0 ? {} : { alternatives }) };
}

function readingFromText(text: string): Reading | undefined {
  const type = /^the tensor read as (\w+)$/.exec(text)?.[1];
  if (type !== undefined) return { code: 'read-as-type', parameters: { type } };
  const side = /^the (next|previous) row's weights$/.exec(text)?.[1];
  if (side !== undefined) return { code: 'other-row', parameters: { shift: side === 'next' ? 1 : -1 } };
  const position = /^token (\d+)'s input$/.exec(text)?.[1];
  if (position !== undefined) return { code: 'other-input', parameters: { position: Number(position) } };
  const expert = /^expert (\d+)'s weights$/.exec(text)?.[1];
  if (expert !== undefined) return { code: 'other-expert', parameters: { expert: Number(expert) } };
  return /^[\w.]+$/.test(text) ? { code: 'other-tensor', parameters: { tensor: text } } : undefined;
}
