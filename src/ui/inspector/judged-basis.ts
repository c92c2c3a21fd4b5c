import type { CompareMode } from '../../divergence/report';
import { basesOf } from '../../plots/map/measure';
import type { TraceView } from '../../plots/trace-view';

/** The judgement that has bounds: the page's, or while that is free-running the best that the trace has. */
export function judgedBasis(view: TraceView, basis: CompareMode): Exclude<CompareMode, 'free'> | undefined {
  if (basis !== 'free') return basis;
  return basesOf(view).find((id) => id !== 'free');
}
