import { useDeferredValue, type ReactElement } from 'react';
import { selectMapData, selectShown } from '../store/view';
import { RunBar } from './bar/RunBar';
import { Dialogs } from './dialogs/Dialogs';
import { Finding } from './face/Finding';
import { Instrument } from './face/Instrument';
import { Footer } from './Footer';
import { Inspector } from './inspector/Inspector';
import { Later } from './Deferred';
import { FileCard } from './panels/FileCard';
import { Header } from './top/Header';
import { Stories } from './top/Stories';
import { useActions, useApp } from './use-app';
import { useCommandKeys, useFileDrop, useLinkInAddress } from './use-page';
import { useTabTitle } from './use-tab';
import { useThemeAttribute } from './use-theme';

/** The whole page: header, run bar, the finding and its map, the inspector beside it. */
export function App(): ReactElement {
  useCommandKeys();
  useFileDrop();
  useLinkInAddress();
  useThemeAttribute();
  useTabTitle();
  const data = useDeferredValue(useApp(selectMapData));
  // The map is computed a moment after the finding: its inspector's column is there from the first.
  const coming = useApp((s) => selectShown(s).kind !== 'none');
  const announcement = useApp((s) => s.announcement);
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
        Skip to the map
      </button>
      <Header />
      {started ? (
        <>
          <Stories />
          <RunBar />
          <div className="instrument">
            <main>
              <Finding />
              {data === undefined ? <FileCard /> : <Instrument data={data} />}
            </main>
            {data !== undefined ? <Inspector data={data} /> : coming ? <div className="inspector-place" /> : null}
          </div>
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
