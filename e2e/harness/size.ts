import { quietHost } from '../../tests/support/page-host';
import { mountPage } from '../../src/ui/mount-page';
import { fakeClient } from '../../tests/support/fake-client';
import { generateReport } from '../../tests/support/reports';
import { generateSlice } from '../../tests/support/slices';

/** Milliseconds between two layers of the replayed run. */
const STEP_MS = 80;

const LARGE = { nLayer: 94, nExpert: 512, nExpertUsed: 10, nTokens: 300 } as const;
const report = generateReport({ kind: 'qtype-blind', ...LARGE });
const page = document.querySelector('#page');
if (page === null) throw new Error('no #page');

/** The whole page over a replayed run of 94 layers x 512 experts x 300 tokens: what the page costs, without an engine beside it. */
void mountPage(
  page,
  fakeClient({
    report,
    pause: () => new Promise((resolve) => setTimeout(resolve, STEP_MS)),
    taps: (place) => ({
      kind: 'slice',
      usage: { bytes: 1e8, budget: 1.3e8, kept: 900, dropped: 300 },
      slice: { ...generateSlice(place.mode), ...place },
    }),
  }),
  quietHost(report, { now: () => performance.now() }),
);
