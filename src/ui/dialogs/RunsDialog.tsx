import type { ReactElement } from 'react';
import { useActions, useApp } from '../use-app';
import { Dialog } from './Dialog';

/** The last runs, which this browser keeps. */
export function RunsDialog(): ReactElement {
  const runs = useApp((s) => s.shell.runs);
  const { openRun, forgetRun } = useActions();
  return (
    <Dialog title="Runs" className="runs">
      <p className="lead">The last runs of this page, kept in this browser and nowhere else.</p>
      {runs.length === 0 ? <p className="note">None yet.</p> : null}
      <ul className="run-list">
        {runs.map(({ id, created, model, what, status, finding }) => (
          <li key={id}>
            <button type="button" className="run-entry" onClick={() => void openRun(id)}>
              <b className={status === 'match' ? 'right' : 'wrong'}>{finding}</b>
              <small>
                {model}, {what === undefined ? '' : `${what}, `}
                {created.slice(0, 16).replace('T', ' ')} UTC
              </small>
            </button>
            <button type="button" className="link" onClick={() => void forgetRun(id)}>
              Forget<span className="visually-hidden"> {finding}</span>
            </button>
          </li>
        ))}
      </ul>
    </Dialog>
  );
}
