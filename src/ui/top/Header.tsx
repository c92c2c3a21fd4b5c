import type { ReactElement } from 'react';
import type { AppState } from '../../store/state';
import { selectShown } from '../../store/view';
import { CommandButton } from '../CommandButton';
import { sourcesOfFiles } from '../dropped-files';
import { Logo } from '../Logo';
import { useActions, useApp } from '../use-app';

/** Name, what this is or what is in hand, and what can be done at any time. */
export function Header(): ReactElement {
  const file = useApp(nameInHand);
  const runs = useApp((s) => s.shell.runs.length);
  const { openFiles } = useActions();
  return (
    <header className="top">
      <span className="logo">
        <Logo />
        MoEscope
      </span>
      <span className="tag">{file ?? 'finds the first wrong tensor in a mixture-of-experts forward pass'}</span>
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
        <CommandButton id="open" look="tool" />
        <CommandButton id="compare" look="tool wide-only" />
        <CommandButton id="share" look="tool" />
        {runs === 0 ? null : <CommandButton id="runs" look="tool wide-only" title={`Runs ${String(runs)}`} />}
        <CommandButton id="palette" look="tool" withKey />
      </nav>
    </header>
  );
}

/** The model of what is shown; undefined on a first visit. */
function nameInHand(state: AppState): string | undefined {
  if (state.loadingName !== undefined) return state.loadingName;
  const shown = selectShown(state);
  if (state.shell.origin !== undefined && shown.kind === 'report') return shown.report.model.name;
  if (state.opened !== undefined) return state.opened.card.file;
  return shown.kind === 'report' ? shown.report.model.name : undefined;
}
