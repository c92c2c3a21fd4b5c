import { quietHost } from '../../tests/support/page-host';
import { mountPage } from '../../src/ui/mount-page';
import { fakeClient } from '../../tests/support/fake-client';
import { generateReport, type ReportKind } from '../../tests/support/reports';
import { generateSlice } from '../../tests/support/slices';

/** What the address may set: `size.html?kind=clean&layers=48&experts=128&used=8&tokens=12&step=200&fail`. */
const asked = new URLSearchParams(location.search);
const number = (name: string, otherwise: number): number => Number(asked.get(name) ?? otherwise);

/** Milliseconds between two layers of the replayed run. */
const STEP_MS = number('step', 80);

const KINDS: readonly ReportKind[] = ['clean', 'qtype-blind', 'not-finite'];
const report = generateReport({
  kind: KINDS.find((kind) => kind === asked.get('kind')) ?? 'qtype-blind',
  nLayer: number('layers', 94),
  nExpert: number('experts', 512),
  nExpertUsed: number('used', 10),
  nTokens: number('tokens', 300),
});
const page = document.querySelector('#page');
if (page === null) throw new Error('no #page');

/**
 * The whole page over a replayed run, of 94 layers x 512 experts x 300 tokens unless the address says otherwise: what the page costs and how it
 * looks, without an engine beside it.
 */
void mountPage(
  page,
  fakeClient({
    report,
    pause: () => new Promise((resolve) => setTimeout(resolve, STEP_MS)),
    captures: (place) => ({
      kind: 'slice',
      usage: { bytes: 1e8, budget: 1.3e8, kept: 900, dropped: 300 },
      slice: { ...generateSlice(place.mode), ...place },
    }),
    ...(asked.has('fail')
      ? {
          failRun: {
            code: 'gpu-memory',
            message: 'The GPU has no memory left for blk.1.ffn_down_exps.weight.',
            detail: { tensor: 'blk.1.ffn_down_exps.weight', bytes: 165_150_720, allowed: 134_217_728 },
            remedy:
              'Give the run a smaller budget of weights, close other programs that use the GPU, or capture fewer tokens.',
          } as const,
        }
      : {}),
  }),
  quietHost(report, { now: () => performance.now() }),
);
