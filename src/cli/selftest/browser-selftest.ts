import { once } from 'node:events';
import type { Page } from 'playwright-core';
import { cancelled, throwIfAborted } from '../../base/abort';
import { fail, TracerError, type ErrorData } from '../../base/errors';
import type { SelftestReport } from '../../selftest/selftest-report';
import { launchChromium } from '../launch-chromium';
import { pageFolder } from '../page-folder';
import { startStaticServer } from '../serve/static-server';
import { checkPageAdapter, launchArguments } from '../trace/browser-adapter';
import type { SelftestRequest } from './selftest-command';

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
  const server = await startStaticServer({ folder: await pageFolder(), host: 'localhost', port: 0 });
  const attempts = launchArguments(request.adapter);
  try {
    for (const [i, args] of attempts.entries()) {
      throwIfAborted(signal);
      const browser = await launchChromium(args);
      try {
        const page = await browser.newPage();
        // The adapter is asked for on a page that does not use it yet.
        await page.goto(new URL('manifest.webmanifest', server.url).href);
        if (!(await checkPageAdapter(page, request.adapter, i === attempts.length - 1))) continue;
        await page.goto(new URL(`?${queryOf(request)}`, server.url).href);
        return await takeReport(page, onProgress, signal);
      } finally {
        await browser.close();
      }
    }
  } finally {
    await server.close();
  }
  throw fail('gpu-unavailable', 'No adapter was found in Chromium.', 'Install a GPU driver.');
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
