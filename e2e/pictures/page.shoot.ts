import { readFileSync } from 'node:fs';
import { expect, test, type Page } from '@playwright/test';
import { reportToJson } from '../../src/divergence/report-json';
import { generateReport } from '../../tests/support/reports';
import { goldenModelPath, SAMPLE_PATH } from '../../tests/support/golden';
import { healthy, pageState, runButton, typeIds } from '../support/page';
import { replay, shootAll, type State } from './shoot';

const verdict = (page: Page) => expect(page.getByTestId('verdict')).toBeVisible({ timeout: 60_000 });
const press = (key: string) => async (page: Page) => {
  await verdict(page);
  await page.keyboard.press(key);
};
/** A replayed run until `state`, or until its nth layer. */
const run = (until: 'done' | 'error' | number) => async (page: Page) => {
  await verdict(page);
  await runButton(page).click();
  if (typeof until === 'string') await pageState(page, until);
  else
    await page
      .getByText(new RegExp(`^layer (${String(until)}|${String(until + 1)}|${String(until + 2)}) of`))
      .waitFor({ timeout: 60_000 });
};
const panel = (name: RegExp) => async (page: Page) => {
  await verdict(page);
  await page.getByRole('button', { name }).first().click();
};
const LARGE = { layers: 48, experts: 128, used: 8, tokens: 12 } as const;
const LARGEST = { layers: 94, experts: 512, used: 10, tokens: 300 } as const;
const LONG_PROMPT =
  'Once upon a time there was a brave fox that read every tensor of a model, one after the other. '.repeat(5);

const STATES: readonly State[] = [
  { name: 'first', address: '/', prepare: verdict, kept: 'all' },
  { name: 'first-whole', address: '/', prepare: verdict, whole: true },
  { name: 'story-healthy', address: '/', prepare: healthy, kept: 'all' },
  { name: 'story-bitflip', address: '/', prepare: panel(/^One bit/), kept: 'all' },
  {
    name: 'story-llama',
    address: '/',
    prepare: panel(/^A real llama/),
    kept: 'all',
  },
  ...(['olmoe', 'qwen2moe', 'mixtral', 'gpt-oss', 'qwen3next'] as const).map((family): State => ({
    name: `family-${family}`,
    address: '/',
    prepare: async (page) => {
      await page.locator('input[type="file"]').setInputFiles(goldenModelPath(`families/${family}`));
      await pageState(page, 'ready', 'error');
      await typeIds(page, '1, 5, 9, 12, 7');
      await page.keyboard.press('Escape');
      await runButton(page).click();
      await pageState(page, 'done', 'error');
    },
    // Layers of two kinds.
    ...(family === 'qwen3next' ? { kept: ['1440-light', '360-dark'] } : {}),
  })),
  {
    name: 'two-traces',
    address: '/',
    prepare: async (page) => {
      await verdict(page);
      const files = (['clean', 'qtype-blind'] as const).map((kind) => ({
        name: `${kind}.json`,
        mimeType: 'application/json',
        buffer: Buffer.from(reportToJson(generateReport({ kind }))),
      }));
      await page.locator('input[type="file"]').setInputFiles(files);
      await page.getByRole('dialog').waitFor();
    },
    kept: ['1440-light', '1440-dark', '360-light'],
  },
  {
    name: 'runs',
    address: '/',
    prepare: async (page) => {
      await healthy(page);
      for (const ids of ['420, 327', '605, 432, 258']) {
        await typeIds(page, ids);
        await page.keyboard.press('Escape');
        await runButton(page).click();
        await pageState(page, 'done', 'error');
      }
      await page.getByRole('button', { name: /^Runs 2/ }).click();
      await page.getByRole('dialog').waitFor();
    },
    kept: ['1440-light', '1440-dark', '360-light'],
  },
  {
    name: 'behind-the-prompt',
    address: '/',
    prepare: async (page) => {
      await healthy(page);
      await typeIds(page, '420, 327, 605, 432');
      await page.getByRole('textbox', { name: /^Decoded tokens/ }).fill('3');
      await page.keyboard.press('Escape');
      await runButton(page).click();
      await pageState(page, 'done', 'error');
      await page.keyboard.press('6');
    },
    whole: true,
  },
  {
    name: 'file-card',
    address: '/',
    prepare: async (page) => {
      await page.locator('input[type="file"]').setInputFiles(SAMPLE_PATH);
      await pageState(page, 'ready', 'error');
    },
    kept: ['1440-light', '1440-dark', '360-light'],
  },
  {
    name: 'file-scanned',
    address: '/',
    prepare: async (page) => {
      await page.locator('input[type="file"]').setInputFiles(SAMPLE_PATH);
      await pageState(page, 'ready', 'error');
      await page.getByRole('button', { name: /^model/ }).click();
      const dialog = page.getByRole('dialog', { name: 'The open model' });
      await dialog.getByRole('button', { name: 'Scan' }).click();
      const again = dialog.getByRole('button', { name: 'Scan again' });
      await again.waitFor({ timeout: 60_000 });
      // What was found is below it.
      await again.evaluate((button) => button.scrollIntoView({ block: 'start' }));
    },
    kept: ['1440-light', '1440-dark', '360-light'],
  },
  {
    name: 'file-that-does-not-run',
    address: '/',
    prepare: async (page) => {
      const buffer = readFileSync(goldenModelPath('mini-q4_k_m'));
      buffer.write('deepseek', buffer.indexOf('qwen3moe'));
      await page.locator('input[type="file"]').setInputFiles({ name: 'other.gguf', mimeType: '', buffer });
      await pageState(page, 'error');
      await page.getByRole('button', { name: 'What the file says' }).click();
      await page.getByRole('dialog').waitFor();
    },
    kept: ['1440-light', '1440-dark', '360-light'],
  },
  {
    name: 'opened-report',
    address: '/',
    prepare: async (page) => {
      const buffer = Buffer.from(
        reportToJson(generateReport({ kind: 'qtype-blind', nLayer: 48, nExpert: 128, nExpertUsed: 8, nTokens: 12 })),
      );
      await verdict(page);
      await page
        .locator('input[type="file"]')
        .setInputFiles({ name: 'h200.json', mimeType: 'application/json', buffer });
      await expect(page.getByRole('button', { name: /^Drop/ }).first()).toBeVisible();
    },
  },
  {
    name: 'wrong-file',
    address: '/',
    prepare: async (page) => {
      await verdict(page);
      await page
        .locator('input[type="file"]')
        .setInputFiles({ name: 'notes.gguf', mimeType: 'x/y', buffer: Buffer.from('no model at all') });
      await pageState(page, 'error');
    },
  },
  {
    name: 'prompt-open',
    address: '/',
    prepare: async (page) => {
      await verdict(page);
      await page.getByRole('textbox', { name: 'Prompt', exact: true }).fill(LONG_PROMPT);
    },
    kept: ['1440-light', '1440-dark'],
  },
  { name: 'panel-candidate', address: '/', prepare: panel(/^candidate/), widths: [1440, 1024] },
  { name: 'panel-reference', address: '/', prepare: panel(/^reference/), widths: [1440] },
  { name: 'panel-prompt', address: '/', prepare: panel(/^Options/) },
  { name: 'panel-defect', address: '/', prepare: panel(/^defect/), widths: [1440, 1024] },
  { name: 'palette', address: '/', prepare: press('Control+k'), widths: [1440, 360] },
  { name: 'keyboard', address: '/', prepare: press('?'), widths: [1440, 360] },
  { name: 'share', address: '/', prepare: press('s'), widths: [1440, 360] },
  { name: 'compare', address: '/', prepare: press('m'), widths: [1440, 360] },
  {
    name: 'popover',
    address: '/',
    prepare: async (page) => {
      await verdict(page);
      await page.getByRole('button', { name: /^What is isolated|^What is local/ }).focus();
    },
    widths: [1440],
  },
  {
    name: 'sheet',
    address: '/',
    prepare: async (page) => {
      await verdict(page);
      await page.setViewportSize({ width: 360, height: 740 });
      await page.getByRole('button', { name: 'More of the inspector' }).click();
    },
    widths: [360],
    kept: ['360-light'],
  },
  { name: 'running-48', address: replay({ ...LARGE, step: 800 }), prepare: run(19), kept: 'all' },
  {
    name: 'match-48',
    address: replay({ ...LARGE, kind: 'clean', step: 1 }),
    prepare: run('done'),
    kept: 'all',
  },
  {
    name: 'diverged-48',
    address: replay({ ...LARGE, step: 1 }),
    prepare: run('done'),
    kept: 'all',
  },
  { name: 'diverged-48-whole', address: replay({ ...LARGE, step: 1 }), prepare: run('done'), whole: true },
  {
    name: 'nan-48',
    address: replay({ ...LARGE, kind: 'not-finite', step: 1 }),
    prepare: run('done'),
    whole: true,
    kept: ['1440-light'],
  },
  { name: 'error-48', address: replay({ ...LARGE, step: 1, fail: 1 }), prepare: run('error') },
  {
    name: 'layers-94',
    address: replay({ ...LARGEST, tokens: 8, step: 1 }),
    prepare: async (page) => {
      await run('done')(page);
      for (let i = 0; i < 2; i++) await page.keyboard.press('+');
    },
    kept: 'all',
  },
  { name: 'layers-94-all', address: replay({ ...LARGEST, tokens: 8, step: 1 }), prepare: run('done') },
  {
    name: 'tokens-304',
    address: replay({ layers: 6, experts: 16, used: 4, tokens: 304, step: 1 }),
    prepare: run('done'),
    whole: true,
    kept: 'all',
  },
  { name: 'largest', address: replay({ ...LARGEST, step: 1 }), prepare: run('done'), whole: true, widths: [1440, 360] },
  ...(['1', '2', '3', '4', '5', '6'] as const).map((tab): State => ({
    name: `tab-${tab}`,
    address: replay({ ...LARGE, step: 1 }),
    prepare: async (page) => {
      await run('done')(page);
      await page.keyboard.press(tab);
      await page.waitForTimeout(300);
    },
    whole: true,
    widths: [1440, 360],
  })),
];

shootAll(STATES);

test('the picture of links to the page', async ({ page }) => {
  await page.setViewportSize({ width: 1200, height: 675 });
  await page.goto('/');
  await press('s')(page);
  await page.locator('.preview svg').waitFor();
  await page.evaluate(() => {
    const card = document.querySelector('.preview svg');
    if (card === null) throw new Error('no card');
    document.body.replaceChildren(card);
    Object.assign(document.body.style, { margin: '0', padding: '0' });
    card.setAttribute('width', '1200');
    card.setAttribute('height', '675');
  });
  await page.evaluate(() => document.fonts.ready);
  await page.screenshot({ path: 'public/card.png', clip: { x: 0, y: 0, width: 1200, height: 675 } });
});
