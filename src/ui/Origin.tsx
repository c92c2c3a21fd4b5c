import type { ReactElement } from 'react';
import type { Report } from '../divergence/report';
import type { Origin } from '../store/shell-state';
import { adapterError } from '../store/state';
import { ErrorDetail } from './ErrorNotice';
import { useActions, useApp } from './use-app';

/** Where the trace on the page comes from. */
export function originText(origin: Origin | undefined): string {
  switch (origin?.kind) {
    case undefined:
      return 'This run';
    case 'file':
      return `Opened from ${origin.file}`;
    case 'kept':
      return `Kept from ${origin.created.slice(0, 16).replace('T', ' ')} UTC`;
    case 'link':
      return 'Opened from a link';
    case 'comparison':
      return `${origin.a} against ${origin.b}`;
  }
}

/** Where the trace of a picture or comparison comes from. */
export function OriginNotes({ report }: { readonly report: Report }): ReactElement | null {
  const origin = useApp((s) => s.shell.origin);
  const notes = [
    ...(report.notes ?? []),
    ...(origin?.kind === 'file' && origin.leftOut.length > 0
      ? [`Left out of the file to keep it small: ${origin.leftOut.join('; ')}.`]
      : []),
    ...(origin?.kind === 'file' && report.run.promptSha256 !== undefined
      ? ['Shared without its prompt: tokens are numbered, not named.']
      : []),
  ];
  if (notes.length === 0) return null;
  const list = (
    <ul className="notes" aria-label="Notes">
      {notes.map((note) => (
        <li key={note}>{note}</li>
      ))}
    </ul>
  );
  // What another program says of itself keeps to a line: the map comes first.
  return report.live === undefined ? (
    list
  ) : (
    <details className="about">
      <summary>{notes[0]}</summary>
      {list}
    </details>
  );
}

/** Why nothing can run on the GPU here, and what can. */
export function NoGpu(): ReactElement | null {
  const error = useApp(adapterError);
  if (error === undefined) return null;
  return (
    <div className="notice" data-testid="no-webgpu">
      <p>
        {error.message} {error.remedy} The reference alone can run, and traces can be read.{' '}
        <code data-testid="notice-code">{error.code}</code>
      </p>
      <ErrorDetail error={error} />
    </div>
  );
}

/** What the page has to say besides the trace: a link of another model, files left out, a file being read. */
export function NoticeLine(): ReactElement | null {
  const { notice, reading } = useApp((s) => s.shell);
  const { dismissNotice } = useActions();
  if (reading !== undefined) return <p className="notice">Reading {reading}…</p>;
  if (notice === undefined) return null;
  return (
    <div className="notice" data-testid="notice">
      <p>
        {notice.text} {notice.remedy}
      </p>
      <p className="actions">
        {notice.code === undefined ? null : <code>{notice.code}</code>}
        <button type="button" className="link" onClick={dismissNotice}>
          Dismiss
        </button>
      </p>
    </div>
  );
}
