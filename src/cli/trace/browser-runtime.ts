import { once } from 'node:events';
import type { Page } from 'playwright-core';
import { cancelled } from '../../base/abort';
import { fail, reasonOf, TracerError } from '../../base/errors';
import type { Report } from '../../divergence/report';
import { reportFromJson } from '../../divergence/report-json';
import type { SessionEvent } from '../../session/events';
import { modelPaths } from '../files/open-model';
import { checkPageAdapter } from '../browser/browser-adapter';
import { inChromium } from '../browser/in-chromium';
import { runOnPage } from '../browser/drive-page';
import type { TraceRequest } from './request';

/** The page itself is a few files of this machine: one that takes longer hangs. */
const PAGE_TIMEOUT_MS = 120_000;

/**
 * Runs a request in headless Chromium: serves the built page on this machine and drives it over `window.moescope`.
 * @throws TracerError `gpu-unavailable` (no browser, no adapter), `gpu-adapter`, `usage` (what a page cannot do), and the page's own errors
 */
export async function runInBrowser(
  asked: TraceRequest,
  onEvent: (event: SessionEvent) => void,
  signal: AbortSignal,
): Promise<Report> {
  checkPageCan(asked);
  const request = { ...asked, model: await modelPaths(asked.model) };
  return inChromium(request.adapter, signal, async ({ page, url, isLast }) => {
    page.setDefaultTimeout(PAGE_TIMEOUT_MS);
    await page.goto(url);
    if (request.spec.engines.includes('gpu') && !(await checkPageAdapter(page, request.adapter, isLast)))
      return undefined;
    return runUntilAborted(page, request, onEvent, signal);
  });
}

/** What a page cannot do: options that would silently be left out. */
function checkPageCan({ save }: TraceRequest): void {
  if (save === undefined) return;
  throw fail(
    'usage',
    '--save-tensor needs --runtime node: a page keeps no more tensors than fit in its memory.',
    'Use --runtime node.',
    { option: '--save-tensor' },
  );
}

/** The browser is closed by the caller; an abort only needs to stop the waiting. */
async function runUntilAborted(
  page: Page,
  request: TraceRequest,
  onEvent: (event: SessionEvent) => void,
  signal: AbortSignal,
): Promise<Report> {
  const finished = new AbortController();
  const aborted = once(signal, 'abort', { signal: finished.signal }).then(
    () => Promise.reject(cancelled()),
    () => undefined,
  );
  const running = runOnPage(page, request, onEvent).then(reportFromJson);
  try {
    return await Promise.race([running, aborted.then(() => running)]);
  } catch (error) {
    running.catch(() => undefined);
    if (error instanceof TracerError) throw error;
    const message = reasonOf(error);
    throw fail('internal', `Driving the page failed: ${message}`, 'Please report this with the model and the steps.');
  } finally {
    finished.abort();
  }
}
