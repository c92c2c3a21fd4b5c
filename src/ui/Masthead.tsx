import type { ReactElement } from 'react';
import { selectShown } from '../store/view';
import type { AppState } from '../store/state';
import { CommandButton } from './CommandButton';
import { sourcesOfFiles } from './use-page';
import { useActions, useApp } from './use-app';

/** Name, file in hand, and what can be done at any time. */
export function Masthead(): ReactElement {
  const file = useApp(fileName);
  const recorded = useApp((s) => selectShown(s).kind === 'recorded');
  const { open } = useActions();
  return (
    <header className="masthead">
      <b>MoEscope</b>
      <span className="file">{file}</span>
      <nav aria-label="Commands">
        <input
          type="file"
          multiple
          accept=".gguf"
          className="visually-hidden"
          tabIndex={-1}
          aria-label="Model file"
          onChange={(event) => {
            const { files } = event.currentTarget;
            if (files !== null && files.length > 0) void open(sourcesOfFiles(files));
            event.currentTarget.value = '';
          }}
        />
        <CommandButton id="open" look="link" withKey />
        {recorded ? null : <CommandButton id="sample" look="link" />}
        <CommandButton id="save" look="link" withKey />
        <CommandButton id="theme" look="link" withKey />
      </nav>
    </header>
  );
}

function fileName(state: AppState): string {
  if (state.loadingName !== undefined) return state.loadingName;
  if (state.opened !== undefined) return state.opened.card.file;
  const shown = selectShown(state);
  return shown.kind === 'recorded' ? shown.report.model.file : 'no model open';
}
