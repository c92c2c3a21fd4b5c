import { fail } from '../base/errors';
import { reportFromJson } from '../divergence/report-json';
import type { PageHost } from '../store/app-store';
import { sourcesOfUrl } from '../store/page-url';

const SAMPLE_FILE = 'sample/tiny-moe-6x16-Q4_K_M.gguf';
const RECORDED_FILE = 'sample/recorded-report.json';

/** The page's host in a browser. Everything it fetches lies beside the page. */
export function browserHost(): PageHost {
  return {
    recordedReport: async () => reportFromJson(await (await fetched(RECORDED_FILE)).text()),
    sample: async () => {
      const response = await fetched(SAMPLE_FILE);
      return { kind: 'blob', name: SAMPLE_FILE.split('/').at(-1) ?? SAMPLE_FILE, blob: await response.blob() };
    },
    startSources: sourcesOfUrl(location.href),
    pickFiles: () => {
      document.querySelector<HTMLInputElement>('input[type="file"]')?.click();
    },
    saveFile: (name, mediaType, text) => {
      const link = document.createElement('a');
      link.href = URL.createObjectURL(new Blob([text], { type: mediaType }));
      link.download = name;
      link.click();
      // The download has taken its own reference by the next task.
      setTimeout(() => {
        URL.revokeObjectURL(link.href);
      }, 0);
    },
    copyText: (text) => navigator.clipboard.writeText(text),
    now: () => performance.now(),
  };
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
