import type { JSHandle, Page } from 'playwright-core';
import { ERROR_CODES, TracerError, type ErrorData } from '../../base/errors';
import type { SessionEvent } from '../../session/events';
import type { RunRequest } from '../../session/run-request';
import { isUrl } from '../files/open-model';
import type { TraceRequest } from '../trace/request';

/** A run on the page, as its driver takes it: what has happened since it last asked. */
interface PageRun {
  /** Resolves as soon as there is something to take. */
  next(): Promise<{ readonly events: readonly SessionEvent[]; readonly end: RunEnd | undefined }>;
}

/** The report as JSON text, or the page's error. */
type RunEnd = { readonly report: string } | { readonly error: ErrorData };

/**
 * Opens the model on the page and runs it there, over `window.moescope`.
 * @param onEvent given the page's own events, in their order
 * @returns the report as JSON text. @throws TracerError with the page's own code when it ends in an error
 */
export async function runOnPage(
  page: Page,
  request: TraceRequest,
  onEvent: (event: SessionEvent) => void,
): Promise<string> {
  await openOnPage(page, request.model);
  const run = await startRun(page, runRequest(request));
  try {
    for (;;) {
      const { events, end } = await run.evaluate((started) => started.next());
      for (const event of events) {
        onEvent(event);
        if (event.type !== 'lost') continue;
        // Nobody is there to press Resume.
        await page.evaluate(() => window.moescope.cancel());
        throw new TracerError(readErrorData(event.error));
      }
      if (end === undefined) continue;
      if ('error' in end) throw new TracerError(readErrorData(end.error));
      return end.report;
    }
  } finally {
    // The page may be gone by now.
    await run.dispose().catch(() => undefined);
  }
}

/**
 * Opens a model by its path or address. Files go through an input of their own: the browser reads them from the disk, by ranges.
 * @throws TracerError with the page's own code
 */
async function openOnPage(page: Page, parts: readonly string[]): Promise<void> {
  const picker = await page.evaluateHandle(() => {
    const input = document.createElement('input');
    input.type = 'file';
    input.multiple = true;
    input.hidden = true;
    document.body.append(input);
    return input;
  });
  try {
    const isRemote = parts.some(isUrl);
    if (!isRemote) await picker.setInputFiles([...parts]);
    const error = await picker.evaluate(
      (input, addresses) =>
        window.moescope.open(addresses ?? [...(input.files ?? [])]).then(
          () => undefined,
          // An Error's message is no enumerable property.
          ({ code, message, detail, remedy }: ErrorData) => ({ code, message, detail, remedy }),
        ),
      isRemote ? [...parts] : undefined,
    );
    if (error !== undefined) throw new TracerError(readErrorData(error));
  } finally {
    await picker.evaluate((input) => {
      input.remove();
    });
  }
}

/** Starts a run, whose events wait on the page until they are taken. */
function startRun(page: Page, request: RunRequest): Promise<JSHandle<PageRun>> {
  return page.evaluateHandle((asked) => {
    let events: SessionEvent[] = [];
    let end: RunEnd | undefined;
    let wake = (): void => undefined;
    const run = window.moescope.run(asked, (event) => {
      // The report comes with the end.
      if (event.type !== 'done') events.push(event);
      wake();
    });
    run.then(
      (report) => {
        end = { report: JSON.stringify(report) };
        wake();
      },
      ({ code, message, detail, remedy }: ErrorData) => {
        end = { error: { code, message, detail, remedy } };
        wake();
      },
    );
    return {
      next: async () => {
        if (events.length === 0 && end === undefined) {
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
        }
        const taken = { events, end };
        events = [];
        return taken;
      },
    };
  }, request);
}

function runRequest({ prompt, spec }: TraceRequest): RunRequest {
  return prompt.kind === 'tokens'
    ? { ...spec, tokens: prompt.tokens }
    : { ...spec, prompt: prompt.text, chat: prompt.chat };
}

/** The data of a TracerError of the page; whatever else was thrown is a defect. */
function readErrorData(value: unknown): ErrorData {
  const fields = new Map(typeof value === 'object' && value !== null ? Object.entries(value) : []);
  const code = ERROR_CODES.find((candidate) => candidate === fields.get('code')) ?? 'internal';
  const text = (name: string): string => String(fields.get(name) ?? '');
  const detail: unknown = fields.get('detail');
  return {
    code,
    message: text('message'),
    detail: Object.fromEntries(
      Object.entries(typeof detail === 'object' && detail !== null ? detail : {}).map(([k, v]) => [k, String(v)]),
    ),
    remedy: text('remedy'),
  };
}
