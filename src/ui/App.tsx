import type { ReactElement } from 'react';
import { selectShown } from '../store/view';
import { Figures } from './figures/Figures';
import { Footer } from './Footer';
import { Dialogs } from './dialogs/Dialogs';
import { Headline } from './Headline';
import { Later } from './Later';
import { Masthead } from './Masthead';
import { FileCard } from './panels/FileCard';
import { Sidebar } from './panels/Sidebar';
import { useActions, useApp } from './use-app';
import { useCommandKeys, useFileDrop, useLinkInAddress } from './use-page';
import { useTabTitle } from './use-tab';
import { useThemeAttribute } from './use-theme';
import { useWholePage } from './use-whole-page';

/** The whole page. */
export function App(): ReactElement {
  useCommandKeys();
  useFileDrop();
  useLinkInAddress();
  useWholePage();
  useThemeAttribute();
  useTabTitle();
  const shown = useApp(selectShown);
  const announcement = useApp((s) => s.announcement);
  // A run that failed before anything was compared: the file is what there is to look at.
  const isBarren = useApp((s) => s.phase === 'error' && s.report === undefined && s.live?.layersDone === 0);
  // Nothing is drawn that would give way a moment later.
  const started = useApp((s) => s.shell.started || s.phase !== 'idle');
  const { focus } = useActions();
  return (
    <>
      <button
        type="button"
        className="skip visually-hidden"
        onClick={() => {
          focus('trace');
        }}
      >
        Skip to the trace
      </button>
      <Masthead />
      {started ? (
        <>
          <main>
            <Headline />
            <Later>
              <Sidebar />
              <div className="body" id="trace" data-go="trace" tabIndex={-1}>
                {shown.kind === 'none' || isBarren ? <FileCard /> : <Figures view={shown.view} />}
              </div>
            </Later>
          </main>
          <Later>
            <Footer />
          </Later>
        </>
      ) : null}
      <Dialogs />
      <p className="visually-hidden" role="status" aria-live="polite">
        {announcement}
      </p>
    </>
  );
}
