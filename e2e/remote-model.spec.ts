import { readFileSync } from 'node:fs';
import type { Page } from '@playwright/test';
import { expect, test, traceModel } from 'moescope/playwright';
import { startRangeServer, type RangeServer } from '../tests/support/gguf-http-server';
import { runButton, typeIds } from './support/page';
import { SAMPLE_PATH } from '../tests/support/golden';

const BYTES = readFileSync(SAMPLE_PATH);
let server: RangeServer;

test.beforeEach(async () => {
  server = await startRangeServer(BYTES);
});
test.afterEach(() => server.close());

/** What is kept, in the dialog of the open model. */
const kept = (page: Page) => page.getByRole('region', { name: 'Kept on this device' });

async function openKept(page: Page): Promise<void> {
  await page.getByRole('button', { name: /^model / }).click();
}

/** Opens the server's model and runs three tokens. @returns the verdict */
async function openAndRun(page: Page): Promise<string> {
  const report = await traceModel(page, { file: server.url, tokens: [1, 2, 3] });
  expect(report).toMatchReference();
  return report.verdict.sentence;
}

async function inState(page: Page, wanted: string): Promise<void> {
  const handle = await page.waitForFunction(
    (state) => [state, 'error'].find((s) => s === document.documentElement.dataset['state']),
    wanted,
    { timeout: 60_000 },
  );
  expect(await handle.jsonValue()).toBe(wanted);
}

async function verdict(page: Page): Promise<string> {
  return page.getByTestId('verdict').innerText();
}

test('a remote model is fetched once for both engines, and not again on the next visit', async ({ page }) => {
  const first = { verdict: await openAndRun(page), sent: server.state.sent };
  // Both engines read more than the whole small file together; the server sent no byte of it twice.
  expect(first.sent).toBeLessThan(1.05 * BYTES.length);
  await openKept(page);
  await expect(kept(page)).toContainText('tiny model.gguf');
  await page.keyboard.press('Escape');

  server.state.sent = 0;
  expect(await openAndRun(page)).toBe(first.verdict);
  // The probe's byte, and what the header's growing prefix reads beyond what was kept.
  expect(server.state.sent).toBeLessThan(1024);

  await openKept(page);
  await kept(page).getByRole('button', { name: 'Clear' }).click();
  await expect(kept(page)).toHaveCount(0);
  await page.keyboard.press('Escape');
  // The model that was open goes on without what was kept.
  await runButton(page).click();
  await page.waitForFunction(() => document.documentElement.dataset['state'] === 'running');
  await inState(page, 'done');
  expect(await verdict(page)).toBe(first.verdict);
  expect(server.state.sent).toBeGreaterThan(0.8 * first.sent);
});

test('another version of the file is fetched afresh', async ({ page }) => {
  await openAndRun(page);
  const first = server.state.sent;
  server.state.sent = 0;
  server.state.etag = '"v2"';
  await openAndRun(page);
  expect(server.state.sent).toBeGreaterThan(0.99 * first);
});

test('a file that changes on the server in mid-run is a clear error', async ({ page }) => {
  await page.goto(`/?model=${encodeURIComponent(server.url)}`);
  await inState(page, 'ready');
  server.state.etag = '"v2"';
  await typeIds(page, '1, 2, 3');
  await runButton(page).click();
  await page.waitForFunction(() => document.documentElement.dataset['state'] === 'error');
  await expect(page.getByTestId('error-code')).toHaveText('source-changed');
});

test('a run goes on when the browser grants no more room', async ({ page, context }) => {
  await page.goto('/');
  const devtools = await context.newCDPSession(page);
  const quotaSize = 2_000_000;
  await devtools.send('Storage.overrideQuotaForOrigin', { origin: new URL(page.url()).origin, quotaSize });
  await openAndRun(page);
  expect(server.state.sent).toBeGreaterThan(2 * quotaSize);
  await openKept(page);
  const [, amount = '', unit = ''] = /([\d.]+) (kB|MB) of/.exec(await kept(page).innerText()) ?? [];
  expect(Number(amount) * (unit === 'kB' ? 1e3 : 1e6)).toBeLessThanOrEqual(quotaSize);
});
