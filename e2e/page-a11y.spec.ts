import { readFileSync } from 'node:fs';
import { expect, test, type Page } from '@playwright/test';
import { goldenModelPath, SAMPLE_PATH } from '../tests/support/golden';
import { audit, shoot } from './support/audit';
import { openOptions, pageState, runButton, showTrace } from './support/page';

const button = (page: Page, name: string) => page.getByRole('button', { name, exact: true });

/** What opens over the page; the page itself was looked at before. */
const DIALOGS = [
  ['Commands', 'Control+k'],
  ['Keyboard', '?'],
  ['Share', 's'],
  ['Compare two traces', 'm'],
] as const;

test('a trace that parts, every tab below it, every dialog and panel over it', async ({ page }) => {
  // Fifteen audits, each in light and dark, beside another page.
  test.slow();
  await showTrace(page, { kind: 'not-finite' });
  await audit(page, 'first visit');
  await shoot(page, 'first');
  for (const key of ['1', '2', '3', '4', '5', '6']) {
    await page.keyboard.press(key);
    await expect(page.getByRole('tab', { selected: true })).toBeFocused();
    const folded = page.locator('.pane details:not([open]) > summary');
    while ((await folded.count()) > 0) await folded.first().click();
    await audit(page, `tab ${key}`, { only: '.tabs-block' });
  }
  for (const [name, key] of DIALOGS) {
    await page.keyboard.press(key);
    await expect(page.getByRole('dialog', { name })).toBeVisible();
    if (name === 'Share') await expect(page.locator('.preview svg')).toBeVisible();
    await audit(page, name, { only: 'dialog' });
    await page.keyboard.press('Escape');
    await expect(page.getByRole('dialog')).toHaveCount(0);
  }
  for (const name of [/^candidate/, /^reference/, /^Options/, /^defect/]) {
    await page.getByRole('button', { name }).first().click();
    await audit(page, String(name), { only: '.run-bar' });
  }
});

test('the file card, and a run on its way', async ({ page }) => {
  await page.goto('/');
  await page.locator('input[type="file"]').setInputFiles(SAMPLE_PATH);
  expect(await pageState(page, 'ready', 'error')).toBe('ready');
  await expect(page.getByRole('heading', { name: /tensors, by type/ })).toBeVisible();
  await audit(page, 'file card');
  await shoot(page, 'file-card');
  await page.getByRole('textbox', { name: 'Prompt', exact: true }).fill('Once upon a time. '.repeat(24));
  await runButton(page).click();
  await expect(page.getByRole('figure', { name: /^Stages by layers/ })).toBeVisible({ timeout: 60_000 });
  await audit(page, 'running');
  await button(page, 'Cancel').click();
  expect(await pageState(page, 'cancelled')).toBe('cancelled');
  await audit(page, 'cancelled', { only: 'main' });
  await page.getByRole('textbox', { name: 'Prompt', exact: true }).fill('Once');
  await runButton(page).click();
  expect(await pageState(page, 'done', 'error')).toBe('done');
  await page.getByRole('button', { name: /^Runs 1/ }).click();
  await expect(page.getByRole('dialog', { name: 'Runs' })).toBeVisible();
  await audit(page, 'runs', { only: 'dialog' });
  await page.keyboard.press('Escape');
  await page.getByRole('button', { name: /^model/ }).click();
  await expect(page.getByRole('dialog', { name: 'The open model' })).toBeVisible();
  await audit(page, 'the open model', { only: 'dialog' });
});

test('an error, and a notice', async ({ page }) => {
  await page.goto('/#v=99');
  await expect(page.getByTestId('notice')).toBeVisible();
  const buffer = readFileSync(goldenModelPath('mini-q4_k_m')).subarray(0, 100_000);
  await page.locator('input[type="file"]').setInputFiles({ name: 'cut.gguf', mimeType: 'x/y', buffer });
  expect(await pageState(page, 'error')).toBe('error');
  await audit(page, 'error', { only: 'main' });
});

test('a phone: the inspector is a sheet, everything is there, nothing sticks out', async ({ page }) => {
  await page.setViewportSize({ width: 360, height: 740 });
  await showTrace(page, { kind: 'qtype-blind' });
  const sheet = page.getByTestId('inspector');
  await expect(sheet.getByRole('heading', { name: /^Layer 2 · MoeExpertOut/ })).toBeVisible();
  await page.getByRole('button', { name: 'More of the inspector' }).click();
  await expect(sheet.getByText('the worst value')).toBeVisible();
  await audit(page, 'phone');
  await page.getByRole('button', { name: 'Less of the inspector' }).click();
  await page.getByRole('button', { name: /^isolated · error ÷ bound/ }).click();
  await page.getByRole('button', { name: 'free-running', exact: true }).first().click();
  await expect(page.getByRole('figure', { name: /^Stages by layers, relative L2, free-running/ })).toBeAttached();
  expect(await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth)).toBeLessThanOrEqual(0);
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
  // Another prompt, which Enter runs.
  await page.keyboard.press('/');
  await expect(page.getByRole('textbox', { name: 'Prompt', exact: true })).toBeFocused();
  await page.keyboard.press('Control+a');
  await page.keyboard.type('What is 2+2?');
  await page.keyboard.press('Enter');
  expect(await pageState(page, 'running')).toBe('running');
  expect(await pageState(page, 'done', 'error')).toBe('done');
  await openOptions(page);
  await expect(page.getByRole('textbox', { name: 'Token ids' })).toHaveValue('420, 327, 220, 17, 10, 17, 30');
  await page.getByRole('textbox', { name: 'Token ids' }).press('Escape');
  await expect(page.getByRole('textbox', { name: 'Token ids' })).toHaveCount(0);
  // To a place, and on with arrows.
  await page.keyboard.press('Control+k');
  await page.keyboard.type('3 moe_ffn 2');
  await page.keyboard.press('Enter');
  await expect(page.getByRole('heading', { name: /^Layer 3 · MoeFfnOut token 2/ })).toBeVisible();
  await page.keyboard.press('.');
  await expect(page.locator('#trace')).toBeFocused();
  const map = page.getByRole('group', { name: /^Map, / });
  for (let i = 0; i < 30 && !(await map.evaluate((e) => e === document.activeElement)); i++) {
    await page.keyboard.press('Tab');
  }
  await page.keyboard.press('ArrowRight');
  await expect(page.getByRole('heading', { name: /^Layer 4 · MoeFfnOut token 2/ })).toBeVisible();
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
  await expect(map).toBeFocused();
});

test('the palette runs every command that can be run, and finds experts, tensors, tokens and defects', async ({
  page,
}) => {
  await showTrace(page, { kind: 'clean' });
  await page.keyboard.press('Control+k');
  const options = page.getByRole('dialog').getByRole('option');
  await expect(options.filter({ hasText: 'Share…' })).toHaveCount(1);
  // Nothing is wrong, nothing runs, nothing was opened.
  for (const title of ['Next wrong tensor', 'Cancel', 'Close this trace']) {
    await expect(options.filter({ hasText: title })).toHaveCount(0);
  }
  const input = page.getByRole('combobox', { name: 'Command or place' });
  for (const [typed, found] of [
    ['expert 11', /^Look at expert 11 of 16/],
    ['ffn_down', /MoeExpertOut, blk\.\d\.ffn_down_exps\.weight/],
    ['brave', /^Look at token 7/],
    ['bitflip', /^Put in bitflip at layer \d/],
  ] as const) {
    await input.fill(typed);
    await expect(options.filter({ hasText: found }).first()).toBeVisible();
  }
  await input.fill('dark');
  await expect(options).toHaveText([/^Light or dark/]);
  await page.keyboard.press('Enter');
  await expect(page.locator('html')).toHaveAttribute('data-theme', 'dark');
  await page.keyboard.press('Control+k');
  await page.keyboard.type('no such thing');
  await expect(page.getByText('Nothing is called that.')).toBeVisible();
});
