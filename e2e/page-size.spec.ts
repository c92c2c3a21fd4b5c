import { expect, test, type Page } from '@playwright/test';
import type { PreviewServer } from 'vite';
import { serveHarnessPage } from './support/harness-page';
import { ScriptWork } from './support/script-work';

/**
 * The page at 94 layers x 512 experts x 300 tokens, over a replayed run (no engine beside it): how much its scripts do for each interaction.
 * The times are measured by `verification/browser/page-times.spec.ts`.
 */

let server: PreviewServer;
let address: string;

test.beforeAll(async () => {
  ({ server, address } = await serveHarnessPage());
});
test.afterAll(() => server.close());

/** How long the page may take to answer an input and come to rest, on any machine; milliseconds. */
const REST_MS = 700;

/** Until the page has answered the last input, drawn it and come to rest. */
async function atRest(page: Page): Promise<void> {
  await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));
  await page.waitForTimeout(REST_MS);
}

/** Interactions as keys, and how many blocks of code each may run: half as many again as were counted. */
const PRESSES: readonly (readonly [what: string, keys: readonly string[], most: number])[] = [
  ['arrows over the map', ['ArrowDown', 'ArrowRight', 'ArrowUp', 'ArrowLeft'], 170_000],
  ['zooming', ['+', '+', '-', '0'], 100_000],
  ['walking what is wrong', ['n', 'p', 'f'], 30_000],
  ['opening the tab of tokens', ['6', '1'], 20_000],
  ['opening the tab of routing', ['6', '2'], 80_000],
  ['opening the tab of load', ['6', '3'], 850_000],
  ['opening the tab of numbers', ['6', '5'], 80_000],
];
const MOST_WHILE_POINTING = 170_000;
const MOST_FOR_CLICKS = 50_000;
const MOST_FOR_LAYERS = 12_000_000;

async function open(page: Page): Promise<ScriptWork> {
  await page.setViewportSize({ width: 1440, height: 900 });
  await page.goto(address);
  await expect(page.getByTestId('verdict')).toBeVisible({ timeout: 60_000 });
  const work = await ScriptWork.of(page);
  await atRest(page);
  return work;
}

test('no interaction runs more code than it needs at 94 layers x 512 experts x 300 tokens', async ({ page }) => {
  const work = await open(page);
  const held = async (what: string, most: number, act: () => Promise<void>): Promise<void> => {
    await atRest(page);
    await work.blocks();
    await act();
    await atRest(page);
    const blocks = await work.blocks();
    process.stdout.write(`${what}: ${blocks.toLocaleString('en')} blocks\n`);
    // Without an answer there was nothing to count.
    expect.soft(blocks, what).toBeGreaterThan(most / 10);
    expect.soft(blocks, what).toBeLessThan(most);
  };
  const map = page.getByRole('group', { name: /^Map, / });
  await map.focus();
  for (const [what, keys, most] of PRESSES) {
    await held(what, most, async () => {
      for (const key of keys) await page.keyboard.press(key);
    });
  }
  await map.scrollIntoViewIfNeeded();
  const box = await map.boundingBox();
  if (box === null) throw new Error('no map');
  await held('pointing at the map', MOST_WHILE_POINTING, async () => {
    for (let i = 0; i < 20; i++) await page.mouse.move(box.x + 200 + i * 20, box.y + 60 + i * 8);
  });
  await held('clicks on the map', MOST_FOR_CLICKS, async () => {
    for (const dx of [300, 500, 700]) await page.mouse.click(box.x + dx, box.y + 150);
  });
});

test('results of 94 layers stream in without more code than they need', async ({ page }) => {
  const work = await open(page);
  await work.blocks();
  await page.getByRole('region', { name: 'Run', exact: true }).getByRole('button', { name: /^Run / }).click();
  await page.waitForFunction(() => document.documentElement.dataset['state'] === 'done', undefined, {
    timeout: 100_000,
  });
  await atRest(page);
  const blocks = await work.blocks();
  process.stdout.write(`a whole run streamed in: ${blocks.toLocaleString('en')} blocks\n`);
  expect(blocks).toBeGreaterThan(MOST_FOR_LAYERS / 10);
  expect(blocks).toBeLessThan(MOST_FOR_LAYERS);
});
