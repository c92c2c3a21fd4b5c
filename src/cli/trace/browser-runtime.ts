import { once } from 'node:events';
import type { Page } from 'playwright-core';
import { cancelled } from '../../base/abort';
import { fail, reasonOf, TracerError } from '../../base/errors';
import type { Report } from '../../divergence/report';
import { reportFromJson } from '../../divergence/report-json';
import { allPartNames } from '../../gguf/split-names';
import type { SessionEvent } from '../../session/events';
import { isUrl, modelPath } from '../files/open-model';
import { checkPageAdapter } from '../browser/browser-adapter';
import { inChromium } from '../browser/in-chromium';
import { runOnPage } from '../browser/drive-page';
import type { TraceRequest } from './request';

/** Opening a model reads its header only: a page that takes longer hangs. */
const OPEN_TIMEOUT_MS = 120_000;

/**
 * Runs a request in headless Chromium: serves the built page on this machine and drives it as a person would.
 * @throws TracerError `gpu-unavailable` (no browser, no adapter), `gpu-adapter`, `usage` (what a page cannot do), and the page's own errors
 */
export async function runInBrowser(
  asked: TraceRequest,
  onEvent: (event: SessionEvent) => void,
  signal: AbortSignal,
): Promise<Report> {
  checkPageCan(asked);
  const request = { ...asked, model: await modelPath(asked.model) };
  return inChromium(request.adapter, signal, async ({ page, url, isLast }) => {
    page.setDefaultTimeout(OPEN_TIMEOUT_MS);
    const source = isUrl(request.model) ? `?${modelQuery(request.model)}` : '';
    await page.goto(new URL(source, url).href);
    if (request.spec.arms.includes('gpu') && !(await checkPageAdapter(page, request.adapter, isLast))) return undefined;
    return runUntilAborted(page, request, onEvent, signal);
  });
}

/** What a page has no control for: options that would silently be left out. */
function checkPageCan({ save, spec }: TraceRequest): void {
  const options: readonly (readonly [string, unknown])[] = [
    ['--save-tensor', save],
    ['--budget', spec.gpuBudget],
  ];
  const option = options.find(([, value]) => value !== undefined)?.[0];
  if (option === undefined) return;
  throw fail(
    'usage',
    `${option} needs --runtime node: the page in the browser has no such option.`,
    'Use --runtime node.',
    { option },
  );
}

function modelQuery(model: string): string {
  return allPartNames(model)
    .map((part) => `model=${encodeURIComponent(part)}`)
    .join('&');
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
  const running = runOnPage(page, request, (progress) => {
    onEvent({ type: 'progress', progress });
  }).then(reportFromJson);
  try {
    const report = await Promise.race([running, aborted.then(() => running)]);
    const { adapter } = report;
    onEvent({
      type: 'started',
      nLayer: report.model.hparams.nLayer,
      ...(adapter === undefined ? {} : { adapter }),
    });
    return report;
  } catch (error) {
    running.catch(() => undefined);
    if (error instanceof TracerError) throw error;
    const message = reasonOf(error);
    throw fail('internal', `Driving the page failed: ${message}`, 'Please report this with the model and the steps.');
  } finally {
    finished.abort();
  }
}
