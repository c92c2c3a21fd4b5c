/** What a `Range` header asks of a file. `end` is excluded. */
export type RangeAnswer =
  | { readonly kind: 'whole' }
  | { readonly kind: 'part'; readonly start: number; readonly end: number }
  | { readonly kind: 'unsatisfiable' };

/**
 * Reads one byte range (RFC 9110, section 14): `bytes=A-B`, `bytes=A-` or `bytes=-N`. Several ranges, other units and malformed
 * headers are ignored, as the RFC allows: the whole file answers them.
 */
export function answerRange(header: string | undefined, size: number): RangeAnswer {
  const match = /^bytes=(\d*)-(\d*)$/.exec(header?.trim() ?? '');
  const [, first = '', last = ''] = match ?? [];
  if (first === '' && last === '') return { kind: 'whole' };
  const start = first === '' ? Math.max(0, size - Number(last)) : Number(first);
  const end = first === '' || last === '' ? size : Math.min(size, Number(last) + 1);
  if (first !== '' && last !== '' && Number(last) < Number(first)) return { kind: 'whole' };
  if (start >= size || end <= start) return { kind: 'unsatisfiable' };
  return { kind: 'part', start, end };
}
