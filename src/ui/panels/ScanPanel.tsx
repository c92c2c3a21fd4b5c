import type { ReactElement } from 'react';
import { formatBytes, plural } from '../../base/format';
import { hasAlarm, scanHead, scanLines, type ScanLine, type ScanReport } from '../../store/scan-actions';
import { Problem } from '../Problem';
import { ScrollTable } from '../ScrollTable';
import { useActions, useApp } from '../use-app';
import { useTask, type Task } from '../use-task';

/** Bytes that were read, of all. */
interface Read {
  readonly done: number;
  readonly total: number;
}

/** What every block of the open file holds, read when somebody asks: a run of a prompt meets only the experts that it chooses. */
export function ScanPanel(): ReactElement {
  const bytes = useApp((s) => s.opened?.card.bytes ?? 0);
  const isFree = useApp((s) => s.phase !== 'running');
  const { scan, endScan } = useActions();
  const { task, start } = useTask<Read, ScanReport>(endScan);
  const read = (): Promise<void> =>
    start({ done: 0, total: bytes }, (report) =>
      scan((done, total) => {
        report({ done, total });
      }),
    );
  return (
    <section className="scan">
      <h2>Every block</h2>
      <p className="note">
        A run meets only the experts that its prompt chooses. Reading all {formatBytes(bytes)} finds what is not finite,
        blank, doubled or odd in any of them.
      </p>
      <p className="actions">
        {task.kind === 'running' ? (
          <>
            <progress max={Math.max(1, task.progress.total)} value={task.progress.done} aria-label="Read" />
            <button type="button" className="button quiet" onClick={() => void endScan()}>
              Cancel
            </button>
          </>
        ) : (
          <button type="button" className="button quiet" disabled={!isFree} onClick={() => void read()}>
            {task.kind === 'done' ? 'Scan again' : 'Scan'}
          </button>
        )}
      </p>
      <p role="status">{statusOf(task)}</p>
      {task.kind === 'failed' ? <Problem error={task.error} role="alert" /> : null}
      {task.kind === 'done' ? <Findings scan={task.result} /> : null}
    </section>
  );
}

function statusOf(task: Task<Read, ScanReport>): string {
  if (task.kind === 'running') return `${formatBytes(task.progress.done)} of ${formatBytes(task.progress.total)}`;
  if (task.kind !== 'done') return '';
  const { skipped } = task.result;
  const text = scanHead(task.result, scanLines(task.result).length);
  const unknown = skipped.length === 0 ? '' : `; ${plural(skipped.length, 'tensor')} of unknown types skipped`;
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}${unknown}${hasAlarm(task.result) ? '. This file is damaged.' : '.'}`;
}

/** Lines that are shown; `moescope inspect --scan --json` has them all. */
const MOST_LINES = 200;

function Findings({ scan }: { readonly scan: ScanReport }): ReactElement | null {
  const lines = scanLines(scan);
  if (lines.length === 0) return null;
  const more = lines.length - MOST_LINES;
  return (
    <ScrollTable
      label="What the scan found"
      testId="scan-findings"
      columns={[['Tensor'], ['What', 'word'], ['Experts', 'word'], ['How much', 'word']]}
      below={more > 0 ? <p className="note">and {more} more</p> : null}
    >
      {lines.slice(0, MOST_LINES).map((line) => (
        <Finding key={`${line.what} ${line.tensor}`} line={line} />
      ))}
    </ScrollTable>
  );
}

function Finding({ line }: { readonly line: ScanLine }): ReactElement {
  return (
    <tr>
      <th scope="row">
        <code>{line.tensor}</code>
      </th>
      <td className={line.alarm ? 'word bad' : 'word'}>{line.what}</td>
      <td className="word">{line.experts}</td>
      <td className="word">{line.share}</td>
    </tr>
  );
}
