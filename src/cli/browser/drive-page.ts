import type { Locator, Page } from 'playwright-core';
import { ERROR_CODES, TracerError, type ErrorData } from '../../base/errors';
import { allPartNames } from '../../gguf/split-names';
import type { Fault } from '../../model/faults';
import { parseFault } from '../../model/parse-fault';
import { isUrl } from '../files/open-model';
import { RUN_PHASES, type Progress } from '../../session/events';
import type { TraceRequest } from '../trace/request';

/** How often the page's progress is looked at. */
const WATCH_INTERVAL_MS = 500;

/**
 * Opens the model on the page, fills in the run, presses Run and waits for its end.
 * @returns the report as JSON text. @throws TracerError with the page's own code when it ends in an error
 */
export async function runOnPage(
  page: Page,
  request: TraceRequest,
  onProgress: (progress: Progress) => void,
): Promise<string> {
  if (!isUrl(request.model)) {
    await page
      .locator('input[type="file"]')
      .first()
      .setInputFiles([...allPartNames(request.model)]);
  }
  await waitForState(page, ['ready']);
  await fillPrompt(page, request);
  await fillOptions(page, request);
  await page.getByRole('button', { name: 'Run', exact: true }).click();
  const watch = setInterval(() => {
    readProgress(page).then(
      (progress) => {
        if (progress !== undefined) onProgress(progress);
      },
      // The page is gone or has moved on: the wait below tells why.
      () => undefined,
    );
  }, WATCH_INTERVAL_MS);
  try {
    await waitForState(page, ['done', 'cancelled'], 0);
  } finally {
    clearInterval(watch);
  }
  return takeReport(page);
}

/** The phase that the page marks as the current step, as `layers 3/6`. The page tells its bytes to people only. */
async function readProgress(page: Page): Promise<Progress | undefined> {
  const step = await page.evaluate(() => document.querySelector('[aria-current="step"]')?.textContent ?? '');
  const [, word, done, total] = /^(\w+)(?: (\d+)\/(\d+))?$/.exec(step.trim()) ?? [];
  const phase = RUN_PHASES.find((candidate) => candidate === word);
  return phase === undefined
    ? undefined
    : { phase, done: Number(done ?? 0), total: Number(total ?? 1), bytes: 0, rate: 0 };
}

async function fillPrompt(page: Page, { prompt }: TraceRequest): Promise<void> {
  if (prompt.kind === 'tokens') {
    await page.getByRole('textbox', { name: 'Token ids' }).fill(prompt.tokens.join(', '));
    return;
  }
  await page.getByRole('textbox', { name: 'Prompt', exact: true }).fill(prompt.text);
  await page.getByRole('checkbox', { name: 'Chat template' }).setChecked(prompt.chat);
}

async function fillOptions(page: Page, { spec }: TraceRequest): Promise<void> {
  const field = (name: RegExp): Locator => page.locator('input').and(page.getByLabel(name));
  const choose = (group: string, choice: string): Promise<void> =>
    page.getByRole('group', { name: group }).getByRole('radio', { name: choice }).check({ force: true });
  // The options are folded away until a person asks for them.
  await field(/^Layers\b/).evaluate((input) => {
    const details = input.closest('details');
    if (details !== null) details.open = true;
  });
  await field(/^Layers\b/).fill(spec.layers);
  await field(/^Stages\b/).fill(spec.stages);
  await field(/^Positions\b/).fill(spec.positions);
  await choose('Mode', spec.mode);
  await page.getByRole('combobox', { name: /^Arms\b/ }).selectOption(spec.arms.join());
  if (spec.routing === 'reference') await choose('Experts', "the reference's");
  for (const text of spec.inject ?? []) await addFault(page, parseFault(text));
}

/** Fills the fields of one fault in, as a person would. */
async function addFault(page: Page, { kind, tensor, ...numbers }: Fault): Promise<void> {
  await page.getByRole('combobox', { name: 'Fault', exact: true }).selectOption(kind);
  for (const [name, value] of Object.entries(numbers)) {
    await page.getByRole('textbox', { name: `Fault ${name}` }).fill(String(value));
  }
  if (tensor !== undefined) await page.getByRole('combobox', { name: 'Fault tensor' }).selectOption({ value: tensor });
  await page.getByRole('button', { name: 'Add fault' }).click();
}

/**
 * Waits until the page is in one of these states. @param timeout ms; 0: however long it takes
 * @throws TracerError when the page comes to an error instead
 */
async function waitForState(page: Page, wanted: readonly string[], timeout?: number): Promise<void> {
  const handle = await page.waitForFunction(
    (states) => {
      const state = document.documentElement.dataset['state'] ?? '';
      return states.includes(state) ? state : undefined;
    },
    [...wanted, 'error'],
    timeout === undefined ? {} : { timeout },
  );
  if ((await handle.jsonValue()) === 'error') await takeReport(page);
}

/** The run's report as JSON text. @throws TracerError the page's own error, whole */
async function takeReport(page: Page): Promise<string> {
  const answer = await page.evaluate(() =>
    window.moescope.report().then(
      (report) => ({ report: JSON.stringify(report), error: undefined }),
      (error: ErrorData) => {
        // An Error's message is no enumerable property.
        const { code, message, detail, remedy } = error;
        return { report: undefined, error: { code, message, detail, remedy } };
      },
    ),
  );
  if (answer.report !== undefined) return answer.report;
  throw new TracerError(readErrorData(answer.error));
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
