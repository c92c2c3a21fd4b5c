import { readFileSync } from 'node:fs';
import { expect, test, type Page } from '@playwright/test';
import { goldenModelPath, SAMPLE_PATH } from '../tests/support/golden';
import { audit, SHOTS, shoot } from './support/audit';
import { pageState, showTrace } from './support/page';

const button = (page: Page, name: string) => page.getByRole('button', { name, exact: true });

/** The dialogs over what is on the page; that page was looked at before. */
const DIALOGS = [
  ['Commands', 'Control+k'],
  ['Keyboard', '?'],
  ['Share', 's'],
  ['Compare two traces', 'm'],
] as const;

test('a trace that parts, and every dialog over it', async ({ page }) => {
  await showTrace(page, { kind: 'qtype-blind' });
  await audit(page, 'recorded');
  await shoot(page, 'recorded');
  for (const [name, key] of DIALOGS) {
    await page.keyboard.press(key);
    await expect(page.getByRole('dialog', { name })).toBeVisible();
    if (name === 'Share') {
      await page.getByRole('checkbox', { name: 'Heatmap and routing in the picture' }).check();
      await expect(page.locator('.preview svg')).toContainText('Load of every expert');
    }
    await audit(page, name, { only: 'dialog' });
    await shoot(page, name.split(' ')[0]?.toLowerCase() ?? name, false);
    await page.keyboard.press('Escape');
    await expect(page.getByRole('dialog')).toHaveCount(0);
  }
});

test('poison, and everything folded out; 48 layers x 128 experts', async ({ page }) => {
  await showTrace(page, { kind: 'poison' });
  const folded = page.locator('details:not([open]) > summary');
  while ((await folded.count()) > 0) await folded.first().click();
  await audit(page, 'poison, folded out');
  await page.reload();
  await expect(page.getByRole('heading', { name: /in numbers$/ })).toBeVisible();
  await shoot(page, 'poison');
  await page.unrouteAll();
  await showTrace(page, { kind: 'qtype-blind', nLayer: 48, nExpert: 128, nExpertUsed: 8, nTokens: 128 });
  await expect(page.getByRole('heading', { name: /in numbers$/ })).toBeVisible();
  await shoot(page, 'large');
});

test('from the file card to a finished run: inspector values, continuation, one token’s way', async ({ page }) => {
  // A run, a continuation and six audits, beside another page.
  test.slow();
  await page.goto('/');
  await page.locator('input[type="file"]').setInputFiles(SAMPLE_PATH);
  expect(await pageState(page, 'ready', 'error')).toBe('ready');
  await expect(page.getByRole('heading', { name: /tensors, by type/ })).toBeVisible();
  await audit(page, 'file card');
  await shoot(page, 'file-card');
  // Long enough to be still running when it has been looked at.
  await page.getByRole('textbox', { name: 'Prompt', exact: true }).fill('Once upon a time. '.repeat(60));
  await button(page, 'Run').click();
  await expect(page.getByText(/^Tracing layer/)).toBeVisible({ timeout: 60_000 });
  await audit(page, 'running');
  await page.screenshot({ path: `${SHOTS}/running-1440-dark.png` });
  await button(page, 'Cancel').click();
  expect(await pageState(page, 'cancelled')).toBe('cancelled');
  await audit(page, 'cancelled');
  await shoot(page, 'cancelled', false);
  await page.getByRole('textbox', { name: 'Token ids' }).fill('420, 327');
  await button(page, 'Run').click();
  expect(await pageState(page, 'done', 'error')).toBe('done');
  await expect(page.getByRole('region', { name: 'Worst values' })).toBeVisible();
  await page.keyboard.press('Escape');
  await page.keyboard.press('g');
  const said = page.getByTestId('continuation');
  await expect(said.locator('.said-token').nth(1)).toBeVisible({ timeout: 60_000 });
  await page.keyboard.press('Escape');
  await expect(said.locator('.cursor')).toHaveCount(0);
  await page.getByRole('group', { name: /of one token/ }).focus();
  await page.keyboard.press('ArrowDown');
  await expect(page.getByTestId('token-path').getByRole('heading')).toHaveText(/^The way of token \d/);
  await audit(page, 'done');
  await shoot(page, 'done');
  await button(page, 'Compare…').click();
  await expect(page.getByText('gpu of this run').first()).toBeVisible();
  await audit(page, 'compare with traces', { only: 'dialog' });
  await shoot(page, 'compare-traces', false);
});

test('an error, and a notice', async ({ page }) => {
  await page.goto('/#v=99');
  await expect(page.getByTestId('notice')).toBeVisible();
  await audit(page, 'notice');
  const buffer = readFileSync(goldenModelPath('mini-q4_k_m')).subarray(0, 100_000);
  await page.locator('input[type="file"]').setInputFiles({ name: 'cut.gguf', mimeType: 'x/y', buffer });
  expect(await pageState(page, 'error')).toBe('error');
  await audit(page, 'error');
  await shoot(page, 'error', false);
});

test('the main path works by keyboard alone', async ({ page }) => {
  await page.goto('/');
  await expect(page.getByTestId('verdict')).toBeVisible();
  // From nothing to the sample's own run.
  await page.keyboard.press('Control+k');
  await page.keyboard.type('run the sample');
  await page.keyboard.press('Enter');
  expect(await pageState(page, 'running', 'done')).toMatch(/running|done/);
  expect(await pageState(page, 'done', 'error')).toBe('done');
  // Another prompt.
  await page.keyboard.press('/');
  await expect(page.getByRole('textbox', { name: 'Prompt', exact: true })).toBeFocused();
  await page.keyboard.press('Control+a');
  await page.keyboard.type('What is 2+2?');
  await expect(page.getByRole('textbox', { name: 'Token ids' })).toHaveValue('420, 327, 220, 17, 10, 17, 30');
  await page.keyboard.press('Tab');
  await page.keyboard.press('r');
  expect(await pageState(page, 'running')).toBe('running');
  await page.keyboard.press('Escape');
  expect(await pageState(page, 'cancelled', 'done')).toMatch(/cancelled|done/);
  await page.keyboard.press('r');
  expect(await pageState(page, 'done', 'error')).toBe('done');
  // To a place, and on with arrows.
  await page.keyboard.press('Control+k');
  await page.keyboard.type('3 moe_ffn 2');
  await page.keyboard.press('Enter');
  await expect(page.getByRole('heading', { name: /^Layer 3, MoeFfnOut, token 2/ })).toBeVisible();
  await page.keyboard.press('.');
  await expect(page.locator('#trace')).toBeFocused();
  const stages = page.getByRole('group', { name: /^Stages by layers/ });
  for (let i = 0; i < 30 && !(await stages.evaluate((e) => e === document.activeElement)); i++) {
    await page.keyboard.press('Tab');
  }
  await expect(stages).toBeFocused();
  await page.keyboard.press('ArrowRight');
  await expect(page.getByRole('heading', { name: /^Layer 3, MoeFfnOut, token 3/ })).toBeVisible();
  // The picture, and back to where the focus was.
  await page.keyboard.press('s');
  await expect(page.getByRole('dialog', { name: 'Share' })).toBeVisible();
  const png = button(page, 'PNG');
  for (let i = 0; i < 12 && !(await png.evaluate((e) => e === document.activeElement)); i++) {
    await page.keyboard.press('Tab');
  }
  const [download] = await Promise.all([page.waitForEvent('download'), page.keyboard.press('Enter')]);
  expect(download.suggestedFilename()).toMatch(/\.png$/);
  await page.keyboard.press('Escape');
  await expect(page.getByRole('dialog')).toHaveCount(0);
  await expect(stages).toBeFocused();
  await page.keyboard.press('?');
  await expect(page.getByRole('dialog', { name: 'Keyboard' })).toBeVisible();
});

test('the palette runs every command that can be run, and no other', async ({ page }) => {
  await showTrace(page, { kind: 'clean' });
  await page.keyboard.press('Control+k');
  const options = page.getByRole('dialog').getByRole('option');
  await expect(options.filter({ hasText: 'Share…' })).toHaveCount(1);
  // Nothing diverges, nothing runs, nothing was opened.
  for (const title of ['Next divergence', 'Cancel', 'Close this trace']) {
    await expect(options.filter({ hasText: title })).toHaveCount(0);
  }
  await page.keyboard.type('dark');
  await expect(options).toHaveText([/^Light or dark/]);
  await page.keyboard.press('Enter');
  await expect(page.locator('html')).toHaveAttribute('data-theme', 'dark');
  await page.keyboard.press('Control+k');
  await page.keyboard.type('no such thing');
  await expect(page.getByText('No command and no place is called that.')).toBeVisible();
});
