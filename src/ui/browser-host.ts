import { fail } from '../base/errors';
import { reportFromJson } from '../divergence/report-json';
import type { PageHost } from '../store/app-store';
import { caseOfUrl, sourcesOfUrl } from '../store/page-url';
import { whenIdle } from './idle';
import { runDatabase } from './run-database';
import { isDrawn } from './steps';

const SAMPLE_FILE = 'sample/tiny-moe-6x16-Q4_K_M.gguf';
/** A recorded story by its id. */
const recordedFile = (story: string): string => `sample/recorded-${story}.json`;

/** Milliseconds. */
const REVOKE_AFTER = 30_000;

/** The page's host in a browser. Everything it fetches lies beside the page. */
export function browserHost(): PageHost {
  return {
    recordedReport: async (story) => reportFromJson(await (await fetched(recordedFile(story))).text()),
    runs: runDatabase(),
    sample: async () => {
      const response = await fetched(SAMPLE_FILE);
      return { kind: 'blob', name: SAMPLE_FILE.split('/').at(-1) ?? SAMPLE_FILE, blob: await response.blob() };
    },
    startSources: sourcesOfUrl(location.href),
    startCase: caseOfUrl(location.href),
    pickFiles: () => {
      document.querySelector<HTMLInputElement>('input[type="file"]')?.click();
    },
    saveFile: (name, mediaType, text) => {
      saveBlob(name, new Blob([text], { type: mediaType }));
    },
    saveBlob,
    renderPng: async (picture, scale) => (await import('./share/render-png')).renderPng(picture, scale),
    copyPicture: async (picture) => {
      // The promise goes in as it is: browsers allow a copy only while they remember the click.
      await navigator.clipboard.write([new ClipboardItem({ 'image/png': picture })]).catch((cause: unknown) => {
        throw fail(
          'usage',
          'The browser did not let the page copy a picture.',
          'Save the PNG instead, or allow the clipboard for this page.',
          {},
          cause,
        );
      });
    },
    fragment: () => location.hash,
    setFragment: (text, step) => {
      const address = `${location.pathname}${location.search}${text}`;
      if (step) history.pushState(history.state, '', address);
      else history.replaceState(history.state, '', address);
    },
    address: () => `${location.origin}${location.pathname}${location.search}`,
    focus: (part) => {
      const found = document.querySelector<HTMLElement>(`[data-go="${CSS.escape(part)}"]`);
      found?.focus();
      found?.scrollIntoView({ block: 'nearest' });
    },
    copyText: (text) => navigator.clipboard.writeText(text),
    quiet,
    now: () => performance.now(),
  };
}

/** A page that is never idle, or never drawn, goes on after this long all the same; milliseconds. */
const QUIET_AT_LATEST = 4000;

function quiet(): Promise<void> {
  const latest = performance.now() + QUIET_AT_LATEST;
  return new Promise((resolve) => {
    const ask = (): void => {
      const left = latest - performance.now();
      if (isDrawn() || left <= 0) resolve();
      else whenIdle(ask, left);
    };
    whenIdle(ask, QUIET_AT_LATEST);
  });
}

function saveBlob(name: string, blob: Blob): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  // The download has taken its own reference by then; large files take a moment.
  setTimeout(() => {
    URL.revokeObjectURL(link.href);
  }, REVOKE_AFTER);
}

async function fetched(path: string): Promise<Response> {
  const url = new URL(path, document.baseURI);
  const remedy = 'Serve the page together with its sample/ folder, or drop a model file of your own.';
  const response = await fetch(url).catch((cause: unknown) => {
    throw fail('source-read', `${path} could not be fetched.`, remedy, { url: url.href }, cause);
  });
  if (!response.ok) {
    throw fail('source-read', `${path} could not be fetched.`, remedy, { url: url.href, status: response.status });
  }
  return response;
}
