import type { ErrorData } from '../../base/errors';
import type { SelftestOrder } from '../../selftest/selftest-client';
import type { SelftestReport, SelftestRow } from '../../selftest/selftest-report';

/** What the page of the self-test shows. */
export interface SelftestState {
  readonly phase: 'running' | 'done' | 'cancelled' | 'error';
  /** Rows so far. */
  readonly rows: readonly SelftestRow[];
  readonly total: number;
  readonly report: SelftestReport | undefined;
  readonly error: ErrorData | undefined;
  /** What the last copy came to, for people and for the live region. */
  readonly told: string;
}

export const START: SelftestState = {
  phase: 'running',
  rows: [],
  total: 0,
  report: undefined,
  error: undefined,
  told: '',
};

/** The order that an address makes: `?selftest&kernel=decode/&type=q4_k&all`. */
export function orderOfAddress(search: string): SelftestOrder {
  const query = new URLSearchParams(search);
  const list = (name: string): readonly string[] | undefined => query.get(name)?.split(',');
  return { kernels: list('kernel'), types: list('type'), everything: query.has('all') };
}
