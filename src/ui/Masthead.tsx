import type { ReactElement } from 'react';
import { selectShown } from '../store/view';
import type { AppState } from '../store/state';
import { CommandButton } from './CommandButton';
import { sourcesOfFiles } from './dropped-files';
import { useActions, useApp } from './use-app';

/** Name, file in hand, and what can be done at any time. */
export function Masthead(): ReactElement {
  const file = useApp(fileName);
  const { openFiles } = useActions();
  return (
    <header className="masthead">
      <b>MoEscope</b>
      <span className="file">{file}</span>
      <nav aria-label="Commands">
        <input
          type="file"
          multiple
          className="visually-hidden"
          tabIndex={-1}
          aria-label="Model, trace or picture"
          onChange={(event) => {
            const { files } = event.currentTarget;
            if (files !== null && files.length > 0) void openFiles(sourcesOfFiles(files));
            event.currentTarget.value = '';
          }}
        />
        <CommandButton id="open" look="link" />
        <CommandButton id="compare" look="link" />
        <CommandButton id="share" look="link" />
        <CommandButton id="palette" look="link" withKey />
      </nav>
    </header>
  );
}

function fileName(state: AppState): string {
  if (state.loadingName !== undefined) return state.loadingName;
  const shown = selectShown(state);
  if (state.shell.origin !== undefined && shown.kind === 'report') return shown.report.model.file;
  if (state.opened !== undefined) return state.opened.card.file;
  return shown.kind === 'recorded' ? shown.report.model.file : 'no model open';
}
