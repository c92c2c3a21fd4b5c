import { formatBytes, formatDuration } from '../base/format';
import { stageSpec } from '../model/stages';
import type { Fact, Finding, Word } from './finding';
import { humanNumber } from './map/human-number';
import { basesOf } from './map/measure';
import { rowIndex } from './trace-index';
import { firstPlace, type TraceView } from './trace-view';

/** How far a run is, as sessions say it. */
export interface LiveProgress {
  readonly phase: 'prepare' | 'embed' | 'layers' | 'head' | 'report';
  readonly done: number;
  readonly total: number;
  readonly bytes: number;
  readonly rate: number;
  readonly secondsLeft?: number;
  readonly tensor?: string;
}

/** What a run under way has found: that it is right so far, or the first wrong tensor at once. */
export function liveFinding(view: TraceView, progress: LiveProgress | undefined, layersDone: number): Finding {
  const facts: Fact[] = [];
  const closest = closestOf(view);
  if (closest !== undefined) facts.push(closest);
  facts.push({
    title: 'now',
    words:
      progress?.tensor === undefined ? [phaseWords(progress)] : ['reading ', { text: progress.tensor, look: 'code' }],
  });
  const left = progress?.secondsLeft === undefined ? undefined : `about ${formatDuration(progress.secondsLeft)}`;
  facts.push({
    title: 'left',
    words: [
      ...(left === undefined ? [] : [{ text: left, look: 'strong' } as const, '; ']),
      `${formatBytes(progress?.bytes ?? 0)} read, ${formatBytes(progress?.rate ?? 0)}/s.`,
    ],
  });
  return { head: headOf(view, progress, layersDone), facts };
}

function headOf(view: TraceView, progress: LiveProgress | undefined, layersDone: number): readonly Word[] {
  const first = firstPlace(view);
  if (first !== undefined) {
    const where = first.layer === undefined ? '' : ` at layer ${first.layer}`;
    const word = first.mode === 'free' ? 'The two part' : 'Wrong';
    return [{ text: word, look: 'wrong' }, `${where}: ${stageSpec(first.stage).title}. The run goes on.`];
  }
  if (layersDone === 0) return [`${phaseWords(progress)}.`];
  const so = layersDone < view.layers.length ? 'right so far' : 'right so far; the head is next';
  return [`Layer ${layersDone} of ${view.layers.length}: ${so}.`];
}

function phaseWords(progress: LiveProgress | undefined): string {
  switch (progress?.phase) {
    case 'layers':
      return `Tracing layer ${Math.min(progress.total, progress.done + 1)} of ${progress.total}`;
    case 'head':
      return 'Tracing the head';
    case 'report':
      return 'Writing the report';
    case 'embed':
      return 'Reading the tokens’ rows';
    case 'prepare':
    case undefined:
      return 'Preparing';
  }
}

function closestOf(view: TraceView): Fact | undefined {
  const basis = basesOf(view)[0];
  let best: { readonly ratio: number; readonly where: string } | undefined;
  if (basis === undefined) return undefined;
  for (const stage of rowIndex(view.rows).stages) {
    for (const row of rowIndex(view.rows).rows(basis, stage)) {
      if (row.maxRatio === undefined || !(row.maxRatio > (best?.ratio ?? -1))) continue;
      const layer = row.layer === undefined ? '' : `layer ${row.layer}, `;
      best = { ratio: row.maxRatio, where: `${layer}${stageSpec(stage).title}` };
    }
  }
  if (best === undefined) return undefined;
  const number = humanNumber(best.ratio);
  return best.ratio > 1
    ? { title: 'how much', words: [{ number, look: 'wrong' }, ` × its bound, ${best.where}.`] }
    : { title: 'closest to a bound', words: [{ number, look: 'strong' }, ` of it, ${best.where}.`] };
}
