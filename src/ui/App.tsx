import type { ReactElement } from 'react';
import { selectShown } from '../store/view';
import { Figures } from './figures/Figures';
import { Footer } from './Footer';
import { Headline } from './Headline';
import { Masthead } from './Masthead';
import { FileCard } from './panels/FileCard';
import { Sidebar } from './panels/Sidebar';
import { useApp } from './use-app';
import { useCommandKeys, useFileDrop, useStateAttribute } from './use-page';
import { useThemeAttribute } from './use-theme';

/** The whole page. */
export function App(): ReactElement {
  useStateAttribute();
  useCommandKeys();
  useFileDrop();
  useThemeAttribute();
  const shown = useApp(selectShown);
  const announcement = useApp((s) => s.announcement);
  return (
    <>
      <a className="skip visually-hidden" href="#trace">
        Skip to the trace
      </a>
      <Masthead />
      <main>
        <Headline />
        <Sidebar />
        <div className="body" id="trace">
          {shown.kind === 'none' ? <FileCard /> : <Figures view={shown.view} />}
        </div>
      </main>
      <Footer />
      <p className="visually-hidden" role="status" aria-live="polite">
        {announcement}
      </p>
    </>
  );
}
