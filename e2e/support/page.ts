import { expect, type Page, type test as anyTest } from '@playwright/test';
import { reportToJson } from '../../src/divergence/report-json';
import type { Report } from '../../src/divergence/report';
import { generateReport, type ReportOptions } from '../../tests/support/reports';

/** The page with a generated trace in place of the recorded one. */
export async function showTrace(page: Page, options: ReportOptions, address = '/'): Promise<Report> {
  const report = generateReport(options);
  await page.route('**/sample/recorded-*.json', (route) =>
    route.fulfill({ contentType: 'application/json', body: reportToJson(report) }),
  );
  await page.goto(address);
  // A large trace is a JSON of 15 MB.
  await expect(page.getByTestId('verdict')).toHaveText(report.verdict.sentence, { timeout: 60_000 });
  return report;
}

/** Fails every test of the file during which the page throws, or writes an error to the console. */
export function watchConsole(test: Pick<typeof anyTest, 'beforeEach' | 'afterEach'>): void {
  let problems: string[];
  test.beforeEach(({ page }) => {
    problems = [];
    page.on('pageerror', (error) => problems.push(error.message));
    page.on('console', (message) => {
      if (message.type() === 'error') problems.push(message.text());
    });
  });
  test.afterEach(() => {
    expect(problems, 'errors on the console').toEqual([]);
  });
}

/** Waits until the page is in one of these states and says which. */
export async function pageState(page: Page, ...wanted: string[]): Promise<string> {
  const handle = await page.waitForFunction(
    (states) => {
      const now = document.documentElement.dataset['state'] ?? '';
      return states.includes(now) ? now : undefined;
    },
    wanted,
    { timeout: 60_000 },
  );
  return String(await handle.jsonValue());
}

export interface DroppedFile {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** Drops files on the page as a person would: by events, anywhere (`on`: what lies under the pointer). */
export async function dropFiles(page: Page, files: readonly DroppedFile[], on = 'body'): Promise<void> {
  const plain = files.map(({ name, bytes }) => ({ name, base64: Buffer.from(bytes).toString('base64') }));
  const transfer = await page.evaluateHandle((list) => {
    const data = new DataTransfer();
    for (const { name, base64 } of list) {
      data.items.add(new File([Uint8Array.from(atob(base64), (c) => c.charCodeAt(0))], name));
    }
    return data;
  }, plain);
  await page.dispatchEvent(on, 'dragenter', { dataTransfer: transfer });
  await expect(page.locator('html')).toHaveClass(/dropping/);
  await page.dispatchEvent(on, 'drop', { dataTransfer: transfer });
  await expect(page.locator('html')).not.toHaveClass(/dropping/);
}

/** The button of the run bar, whatever it runs. */
export const runButton = (page: Page) =>
  page.getByRole('region', { name: 'Run', exact: true }).getByRole('button', { name: /^Run / });

/** That a run has come to this layer, or any. */
export const tracing = (page: Page, layer = '\\d+') => page.getByText(new RegExp(`^layer ${layer} of \\d+$`));

/** Types token ids, for which the panel of the prompt must be open. */
export async function typeIds(page: Page, ids: string): Promise<void> {
  await openOptions(page);
  await page.getByRole('textbox', { name: 'Token ids' }).fill(ids);
}

/** Opens the panel of the prompt and the options. */
export async function openOptions(page: Page): Promise<void> {
  if ((await page.getByRole('textbox', { name: 'Token ids' }).count()) > 0) return;
  await page.getByRole('button', { name: /^Options/ }).click();
}

/** The page with its first recorded story, which has no defect: Run runs a healthy sample. */
export async function healthy(page: Page, address = '/'): Promise<void> {
  await page.goto(address);
  await page.getByRole('button', { name: /^Healthy/ }).click();
  await expect(page.getByTestId('verdict')).toHaveText(/^MATCH/);
}
