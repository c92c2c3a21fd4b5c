import type { DecodedStep, TopToken } from '../../divergence/report';
import { rowIndex } from '../trace-index';
import type { TraceView } from '../trace-view';

/** What stands below the map, always in this order. */
export const TABS = [
  { id: 'tokens', title: 'Tokens' },
  { id: 'routing', title: 'Routing & flips' },
  { id: 'load', title: 'Expert load' },
  { id: 'nonfinite', title: 'Non-finite' },
  { id: 'numbers', title: 'Numbers' },
  { id: 'next', title: 'Next token' },
] as const;
export type TabId = (typeof TABS)[number]['id'];

/** That a tab has something to say: how much, and whether it is an alarm. */
export interface TabNews {
  readonly count: number;
  readonly alarm: boolean;
}

/** From so many tokens on, the tokens of a stage do not fit into the map's cells. */
export const MANY_TOKENS = 24;

/** What each tab has to say; a tab without news is there all the same. */
export function tabNews(
  view: TraceView,
  top: { readonly a: readonly TopToken[]; readonly b: readonly TopToken[] } | undefined,
  decoded: readonly DecodedStep[] = [],
): ReadonlyMap<TabId, TabNews> {
  const news = new Map<TabId, TabNews>();
  const flips = rowIndex(view.rows).flipped.reduce((n, row) => n + (row.flips?.length ?? 0), 0);
  if (view.positions.length > MANY_TOKENS) news.set('tokens', { count: view.positions.length, alarm: false });
  if (flips > 0) news.set('routing', { count: flips, alarm: false });
  const spread = view.nonFinite?.a?.spread.length ?? view.nonFinite?.b?.spread.length ?? 0;
  if (spread > 0) news.set('nonfinite', { count: spread, alarm: true });
  const [a, b] = [top?.a[0], top?.b[0]];
  if (a !== undefined && b !== undefined && (a.token !== b.token || !Number.isFinite(a.logit))) {
    news.set('next', { count: 1, alarm: true });
  }
  const behind = decoded.filter(({ status }) => status !== 'match').length;
  if (behind > 0) news.set('next', { count: behind, alarm: true });
  else if (decoded.length > 0 && !news.has('next')) news.set('next', { count: decoded.length, alarm: false });
  return news;
}

/** The tab that opens by itself: what is broken, then what does not fit into the map, then what flipped. */
export function firstTab(news: ReadonlyMap<TabId, TabNews>): TabId {
  if (news.has('nonfinite')) return 'nonfinite';
  if (news.has('tokens')) return 'tokens';
  return news.has('routing') ? 'routing' : 'tokens';
}
