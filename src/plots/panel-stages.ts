import { HEADLINE_STAGES, stageOrder, stageSpec, type StageId } from '../model/stages';
import { firstPlace, type TraceView } from './trace-view';

/** The stages that the divergence plot shows: the headline stages, the culprit's where it is another, and what was asked for; forward order. */
export function panelStages(view: TraceView, more: readonly StageId[]): readonly StageId[] {
  const culprit = firstPlace(view)?.stage;
  const shown = culprit !== undefined && hasCurve(culprit) ? [culprit] : [];
  return [...new Set([...HEADLINE_STAGES, ...shown, ...more])].sort((a, b) => stageOrder(a) - stageOrder(b));
}

/** Where a panel stands among those above and below it, which share its axis. */
export type PanelPosition = 'first' | 'middle' | 'last' | 'only';

/** The position of panel `i` of `n`. */
export function panelPosition(i: number, n: number): PanelPosition {
  if (n === 1) return 'only';
  return i === 0 ? 'first' : i === n - 1 ? 'last' : 'middle';
}

/** Whether a stage has errors over the layers. */
export function hasCurve(stage: StageId): boolean {
  const { scope, values } = stageSpec(stage);
  return scope === 'layer' && values === 'float';
}
