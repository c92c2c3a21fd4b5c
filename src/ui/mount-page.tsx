import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { createAppStore, type PageHost } from '../store/app-store';
import { pageApi } from '../store/page-api';
import { App } from './App';
import './styles/fonts.css';
import './styles/tokens.css';
import './styles/base.css';
import './styles/page.css';
import './styles/bar.css';
import './styles/face.css';
import './styles/inspector.css';
import './styles/tabs.css';
import './styles/dialogs.css';
import './styles/print.css';
import { StoreContext } from './use-app';

/** Mounts the page on an element, over any engine. Resolves once it has begun: the recorded trace is drawn, and the adapter has answered. */
export function mountPage(
  element: Element,
  client: Parameters<typeof createAppStore>[0],
  host: PageHost,
): Promise<void> {
  const store = createAppStore(client, host);
  window.moescope = pageApi(store);
  // At once, so that no "done" of the last run outlives a press on Run.
  const say = (): void => {
    document.documentElement.dataset['state'] = store.getState().phase;
  };
  say();
  store.subscribe(say);
  createRoot(element).render(
    <StrictMode>
      <StoreContext value={store}>
        <App />
      </StoreContext>
    </StrictMode>,
  );
  return store.actions.start();
}
