import { expect, type Page } from '@playwright/test';
import { reportToJson } from '../../src/divergence/report-json';
import type { Report } from '../../src/divergence/report';
import { generateReport, type ReportOptions } from '../../tests/support/reports';

/** The page with a generated trace in place of the recorded one. */
export async function showTrace(page: Page, options: ReportOptions, address = '/'): Promise<Report> {
  const report = generateReport(options);
  await page.route('**/sample/recorded-report.json', (route) =>
    route.fulfill({ contentType: 'application/json', body: reportToJson(report) }),
  );
  await page.goto(address);
  await expect(page.getByTestId('verdict')).toHaveText(report.verdict.sentence, { timeout: 60_000 });
  return report;
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

/** Drops files on the page as a person would: by events, anywhere. */
export async function dropFiles(page: Page, files: readonly DroppedFile[]): Promise<void> {
  const plain = files.map(({ name, bytes }) => ({ name, base64: Buffer.from(bytes).toString('base64') }));
  const transfer = await page.evaluateHandle((list) => {
    const data = new DataTransfer();
    for (const { name, base64 } of list) {
      data.items.add(new File([Uint8Array.from(atob(base64), (c) => c.charCodeAt(0))], name));
    }
    return data;
  }, plain);
  await page.dispatchEvent('body', 'dragenter', { dataTransfer: transfer });
  await page.dispatchEvent('body', 'drop', { dataTransfer: transfer });
}
