import type { PageHost } from '../../src/store/app-store';
import type { Report } from '../../src/divergence/report';
import { NO_STORE } from '../../src/store/run-store';

/** A host of which nothing is expected but the recorded trace and the sample; overwrite what a test looks at. */
export function quietHost(recorded: Report, change: Partial<PageHost> = {}): PageHost {
  let now = 0;
  return {
    recordedReport: () => Promise.resolve(recorded),
    runs: NO_STORE,
    sample: () => Promise.resolve({ kind: 'memory', name: 'sample.gguf', bytes: new Uint8Array(4) }),
    startSources: [],
    startCase: undefined,
    pickFiles: () => undefined,
    saveFile: () => undefined,
    saveBlob: () => undefined,
    copyText: () => Promise.resolve(),
    copyPicture: async (picture) => {
      await picture;
    },
    renderPng: () => Promise.reject(new Error('no canvas here')),
    fragment: () => '',
    setFragment: () => undefined,
    focus: () => undefined,
    address: () => 'http://localhost/',
    quiet: () => Promise.resolve(),
    now: () => (now += 1),
    ...change,
  };
}
