import type { ReactElement } from 'react';
import { formatBytes, formatDuration } from '../base/format';
import { RUN_PHASES, type Progress } from '../session/events';
import { useHiddenSeconds } from './use-tab';
import { useApp } from './use-app';

/** Progress by phase, with bytes, rate, time left and the tensor in hand. */
export function ProgressLine(): ReactElement {
  const progress = useApp((s) => s.progress);
  const hidden = useHiddenSeconds();
  return (
    <div className="progress">
      <ol>
        {RUN_PHASES.map((phase) => (
          <li key={phase} aria-current={progress?.phase === phase ? 'step' : undefined}>
            {phase}
            {phase === 'layers' && progress?.phase === 'layers'
              ? ` ${String(progress.done)}/${String(progress.total)}`
              : ''}
          </li>
        ))}
      </ol>
      <div
        className="bar"
        role="progressbar"
        aria-label="Progress of the run"
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuenow={Math.round(100 * fractionOf(progress))}
      >
        <i style={{ width: `${String(100 * fractionOf(progress))}%` }} />
      </div>
      <p className="figures">
        <span>{formatBytes(progress?.bytes ?? 0)} read</span>
        <span>{formatBytes(progress?.rate ?? 0)}/s</span>
        <span>{progress?.secondsLeft === undefined ? ' ' : `${formatDuration(progress.secondsLeft)} left`}</span>
        <code>{progress?.tensor ?? ' '}</code>
      </p>
      {hidden < 1 ? null : (
        <p className="note" data-testid="was-hidden">
          This tab was in the background for {formatDuration(hidden)}: the run went on, but browsers slow such tabs
          down, so that its times say little.
        </p>
      )}
    </div>
  );
}

/** The layers are nearly all of the work; the other phases share the ends. */
function fractionOf(progress: Progress | undefined): number {
  if (progress === undefined) return 0;
  const within = progress.total === 0 ? 0 : progress.done / progress.total;
  switch (progress.phase) {
    case 'prepare':
      return 0.01 * within;
    case 'embed':
      return 0.01 + 0.01 * within;
    case 'layers':
      return 0.02 + 0.93 * within;
    case 'head':
      return 0.95 + 0.04 * within;
    case 'report':
      return 0.99 + 0.01 * within;
  }
}
