import { readFileSync } from 'node:fs';
import AxeBuilder from '@axe-core/playwright';
import { expect, test, type Page } from '@playwright/test';
import { readAtlasEntry } from '../src/selftest/atlas/read-entry';

/** A few kernels of each look of the table: exact and bounded, with types and without. The whole of it is the command line's and the tests'. */
const SOME = '/?selftest&kernel=add,top_k,rmsnorm,rows,linear_lane_group subgroup&type=f32,u32,q4_k,q6_k';
const SHOTS = 'test-results/screenshots';

async function audit(page: Page): Promise<void> {
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    const { violations } = await new AxeBuilder({ page }).analyze();
    const found = violations.flatMap(({ id, help, nodes }) => nodes.map(({ html }) => `${id} (${help}): ${html}`));
    expect(found, colorScheme).toEqual([]);
  }
}

/** Kept by the run, for people to look at. */
async function shoot(page: Page, name: string): Promise<void> {
  for (const width of [1440, 360]) {
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.setViewportSize({ width, height: width === 360 ? 740 : 900 });
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
      const wider = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
      expect(wider, `${name} at ${String(width)}`).toBeLessThanOrEqual(0);
      await page.screenshot({ path: `${SHOTS}/${name}-${String(width)}-${colorScheme}.png`, fullPage: true });
    }
  }
  await page.setViewportSize({ width: 1440, height: 900 });
}

const ended = (page: Page): Promise<unknown> =>
  page.waitForFunction(() => ['done', 'error'].includes(document.documentElement.dataset['state'] ?? ''), undefined, {
    timeout: 110_000,
  });

test('shows every kernel with its verdict, accessibly, and copies the report', async ({ page, context }) => {
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  await page.goto(SOME);
  await ended(page);
  await expect(page.getByTestId('verdict')).toHaveText(/^PASS: all \d+ cases within bounds/);
  const row = (name: string) =>
    page.getByRole('row').filter({ has: page.getByRole('rowheader', { name, exact: true }) });
  for (const name of ['add', 'top_k', 'rmsnorm', 'rows', 'linear_lane_group subgroup']) {
    await expect(row(name).getByRole('cell').first()).toHaveText('pass');
  }
  // What an adapter cannot run is told, with the reason.
  await expect(page.getByTestId('idle')).toContainText(
    /Not applicable: \d+ cases? of linear_lane_group subgroup: needs/,
  );
  const report = await page.evaluate(() => window.moescopeSelftest?.outcome());
  if (report === undefined || 'code' in report) throw new Error('no report');
  expect(report.verdict.counts.fail).toBe(0);
  expect(report.adapter.isSoftware).toBe(true);

  await page.getByRole('button', { name: 'Copy as text' }).click();
  await expect(page.getByText('Text copied.')).toBeVisible();
  const text = await page.evaluate(() => navigator.clipboard.readText());
  expect(text).toContain(report.verdict.sentence);
  const rows = report.rows.filter(({ kernel }) => kernel === 'rows').length;
  expect(text).toMatch(new RegExp(`rows +F32 Q4_K Q6_K +${String(rows)} +0 +pass`));
  await page.getByRole('button', { name: 'Copy as JSON' }).click();
  await expect(page.getByText('JSON copied.')).toBeVisible();
  const json = await page.evaluate(async (): Promise<unknown> => JSON.parse(await navigator.clipboard.readText()));
  expect(json).toEqual(report);

  // An entry of the atlas is read before it is saved, and is saved as it was read.
  await page.getByText('An entry for the atlas of adapters').click();
  const shown = (await page.getByTestId('atlas-entry').textContent()) ?? '';
  expect(readAtlasEntry(shown)).toMatchObject({ software: true, browser: expect.stringMatching(/Chrom/) });
  const saveEntry = page.getByRole('button', { name: 'Save the entry' });
  await expect(saveEntry).toBeDisabled();
  await page.getByRole('checkbox', { name: /may be published/ }).check();
  const [entry] = await Promise.all([page.waitForEvent('download'), saveEntry.click()]);
  expect(readFileSync(await entry.path(), 'utf8')).toBe(shown);

  await audit(page);
  await shoot(page, 'selftest');
  await page.getByText(/^Every case/).click();
  await expect(page.getByRole('region', { name: /^Every case/ }).getByRole('row')).toHaveCount(report.rows.length + 1);
  await audit(page);
});

test('turns red when a kernel is wrong, and says which, where and by how much', async ({ page }) => {
  // A driver that gets one operation wrong, as far as the page can tell.
  await page.route('**/selftest-worker-*.js', async (route) => {
    const response = await route.fetch();
    const text = await response.text();
    const broken = text.replace('y[i] = a[i] + b[i];', 'y[i] = a[i] - b[i];');
    expect(broken).not.toBe(text);
    await route.fulfill({ response, body: broken });
  });
  await page.goto('/?selftest&kernel=add,top_k');
  await ended(page);
  await expect(page.getByTestId('verdict')).toHaveText(/^FAIL: \d+ of \d+ cases out of bounds, in add$/);
  await expect(page.getByTestId('failed')).toContainText(
    /add, f32: 1 value, normal.*y\[0\] is .*, expected .* within/s,
  );
  await audit(page);
  await shoot(page, 'selftest-red');
});

test('says what is wrong with an address, and can be cancelled', async ({ page }) => {
  await page.goto('/?selftest&kernel=no_such');
  await ended(page);
  await expect(page.getByTestId('error-code')).toHaveText('usage');
  await page.goto('/');
  await page.getByRole('link', { name: 'Self-test' }).click();
  await expect(page).toHaveURL(/\?selftest$/);
  await page.getByRole('button', { name: 'Cancel' }).click();
  await expect(page.getByRole('heading', { level: 1 })).toHaveText(/^Cancelled/, { timeout: 60_000 });
  await expect(page.getByRole('button', { name: 'Run it again' })).toBeVisible();
});

test('loads nothing of it with the trace', async ({ page }) => {
  const asked: string[] = [];
  page.on('request', (request) => asked.push(request.url()));
  await page.goto('/');
  await expect(page.getByTestId('verdict')).toBeVisible();
  expect(asked.filter((url) => url.includes('selftest'))).toEqual([]);
});
