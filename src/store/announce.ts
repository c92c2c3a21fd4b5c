import { formatDuration, plural } from '../base/format';
import { rowIndex } from '../plots/trace-index';
import { stageSpec } from '../model/stages';
import type { SessionEvent } from '../session/events';
import type { LiveTrace } from './state';

/** What a screen reader is told of an event; undefined where it would only be noise. At most about ten times a run. */
export function announcementOf(event: SessionEvent, live: LiveTrace | undefined): string | undefined {
  switch (event.type) {
    case 'started':
      return `Run started: ${plural(event.nLayer, 'layer')}.`;
    case 'progress': {
      const { phase, done, total, secondsLeft } = event.progress;
      const tenth = Math.max(1, Math.round(total / 10));
      if (phase !== 'layers' || done === 0 || done % tenth !== 0) return undefined;
      const left = secondsLeft === undefined ? '' : `, about ${formatDuration(secondsLeft)} left`;
      return `Layer ${String(done)} of ${String(total)}${left}.`;
    }
    case 'rows': {
      if (live !== undefined && rowIndex(live.rows).failing !== undefined) return undefined;
      const row = event.rows.find((r) => r.verdict === 'diverge' || r.verdict.startsWith('nan'));
      if (row === undefined) return undefined;
      return `First wrong so far: ${row.layer === undefined ? '' : `layer ${row.layer}, `}${stageSpec(row.stage).title}.`;
    }
    case 'lost':
      return `${event.error.message} ${plural(event.layersDone, 'layer')} finished; the run can go on from there.`;
    case 'done':
      return event.report.verdict.sentence;
    case 'cancelled':
      return `Cancelled after ${plural(event.layersDone, 'layer')}.`;
    case 'failed':
      return event.error.message;
  }
}
