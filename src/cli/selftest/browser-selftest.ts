import { once } from 'node:events';
import type { Page } from 'playwright-core';
import { cancelled } from '../../base/abort';
import { fail, TracerError, type ErrorData } from '../../base/errors';
import type { SelftestReport } from '../../selftest/selftest-report';
import { checkPageAdapter } from '../browser/browser-adapter';
import { inChromium } from '../browser/in-chromium';
import type { SelftestRequest } from './selftest-request';

/** How often the page is asked how far it is, in milliseconds. */
const ASK_MS = 500;

/**
 * Runs the page's self-test in headless Chromium.
 * @throws TracerError `gpu-unavailable`, `gpu-adapter`, `run-cancelled`, and what the page ends with
 */
export async function selftestInBrowser(
  request: SelftestRequest,
  onProgress: (kernel: string, done: number, total: number) => void,
  signal: AbortSignal,
): Promise<SelftestReport> {
  return inChromium(request.adapter, signal, async ({ page, url, isLast }) => {
    // The adapter is asked for on a page that does not use it yet.
    await page.goto(new URL('manifest.webmanifest', url).href);
    if (!(await checkPageAdapter(page, request.adapter, isLast))) return undefined;
    await page.goto(new URL(`?${queryOf(request)}`, url).href);
    return takeReport(page, onProgress, signal);
  });
}

function queryOf({ kernels, types, everything }: SelftestRequest): string {
  const query = new URLSearchParams({ selftest: '' });
  if (kernels !== undefined) query.set('kernel', kernels.join(','));
  if (types !== undefined) query.set('type', types.join(','));
  if (everything) query.set('all', '');
  return query.toString();
}

/** The browser is closed by the caller; an abort only needs to stop the waiting. */
async function takeReport(
  page: Page,
  onProgress: (kernel: string, done: number, total: number) => void,
  signal: AbortSignal,
): Promise<SelftestReport> {
  await page.waitForFunction(() => window.moescopeSelftest !== undefined);
  const finished = new AbortController();
  const aborted = once(signal, 'abort', { signal: finished.signal }).then(
    () => Promise.reject(cancelled()),
    () => undefined,
  );
  const bar = page.getByRole('progressbar');
  const asking = setInterval(() => {
    void bar
      .evaluate((element) => ['aria-valuenow', 'aria-valuemax'].map((name) => Number(element.getAttribute(name))))
      .then(([done = 0, total = 0]) => {
        onProgress('in Chromium', done, total);
      })
      .catch(() => undefined);
  }, ASK_MS);
  try {
    const ended = page.evaluate(() => window.moescopeSelftest?.outcome());
    const outcome = await Promise.race([ended, aborted.then(() => ended)]);
    if (outcome === undefined) throw fail('internal', 'The page has no self-test.', 'Rebuild MoEscope.');
    if (isError(outcome)) throw new TracerError(outcome);
    return outcome;
  } finally {
    clearInterval(asking);
    finished.abort();
  }
}

function isError(outcome: SelftestReport | ErrorData): outcome is ErrorData {
  return 'code' in outcome;
}
