import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test, type Browser, type Page } from '@playwright/test';
import type { PreviewServer } from 'vite';
import { serveFolder, serveHarnessPage } from '../../e2e/support/harness-page';
import { computedUntilRest, mainThread, type MainThread } from '../../e2e/support/trace-events';

/**
 * The page at 94 layers x 512 experts x 300 tokens, over a replayed run (no engine beside it), in Chrome's own tracing. Asserted is the time
 * that the main thread computed, which does not depend on what else the machine does; wall times are printed beside it.
 */

/** An interaction that keeps the main thread longer than this is felt (RAIL's 50 ms). */
const LIMIT_MS = 50;

let server: PreviewServer;
let address: string;

test.beforeAll(async () => {
  ({ server, address } = await serveHarnessPage());
});
test.afterAll(() => server.close());

/** What the main thread did while `act` went on. */
async function traced(browser: Browser, page: Page, act: () => Promise<void>): Promise<MainThread> {
  const path = test.info().outputPath('trace.json');
  await browser.startTracing(page, { path, categories: ['devtools.timeline', 'toplevel', 'benchmark', 'latencyInfo'] });
  await act();
  // The paint that answers the last input.
  await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve, 50))));
  await browser.stopTracing();
  return mainThread(readFileSync(path, 'utf8'));
}

/** Tries of one interaction. What another process does to the caches can only add to a time, so the best try says what the page costs. */
const TRIES = 6;
/** How long streaming is watched; the replayed run lasts for three of them and more. */
const STREAM_WINDOW_MS = 1300;

/** The best of a few tries of an interaction; another try only where the limit was missed. */
async function best(
  what: string,
  attempt: () => Promise<MainThread>,
  most = TRIES,
): Promise<{ readonly longest: number }> {
  let longest = Infinity;
  for (let tries = 0; tries < most && longest >= LIMIT_MS; tries++) {
    const seen = await attempt();
    say(tries === 0 ? what : `${what}, again`, seen);
    longest = Math.min(longest, seen.longest);
  }
  return { longest };
}

function say(what: string, { longest, longestWall, tasks, events, heaviest }: MainThread): void {
  const worst = events.reduce((ms, event) => Math.max(ms, event), 0);
  const { HEAVY } = process.env;
  const why = HEAVY === undefined ? '' : heaviest.map((task) => `\n  ${task}`).join('');
  process.stdout.write(
    `${what}: longest task ${longest.toFixed(1)} ms computing (${longestWall.toFixed(1)} ms by the clock), ${String(tasks)} tasks above ${String(LIMIT_MS)} ms; event to next paint at most ${worst.toFixed(0)} ms of ${String(events.length)}${why}\n`,
  );
}

test('every interaction stays below 50 ms at 94 layers x 512 experts x 300 tokens', async ({ browser, page }) => {
  await page.setViewportSize({ width: 1440, height: 900 });
  await page.goto(address);
  await expect(page.getByTestId('verdict')).toBeVisible({ timeout: 60_000 });
  await page.waitForTimeout(1500);
  const area = (name: RegExp) => page.getByRole('group', { name });
  const press = async (what: string, keys: readonly string[]): Promise<void> => {
    const seen = await best(what, () =>
      traced(browser, page, async () => {
        for (const key of keys) await page.keyboard.press(key);
      }),
    );
    expect.soft(seen.longest, what).toBeLessThan(LIMIT_MS);
  };
  const map = area(/^Map, /);
  await map.focus();
  await press('arrows over the map', ['ArrowDown', 'ArrowRight', 'ArrowUp', 'ArrowLeft']);
  await press('zooming', ['+', '+', '-', '0']);
  await press('walking what is wrong', ['n', 'p', 'f']);
  for (const [tab, name] of [
    ['1', 'tokens'],
    ['2', 'routing'],
    ['3', 'load'],
    ['5', 'numbers'],
  ] as const) {
    await press(`opening the tab of ${name}`, ['6', tab]);
    await page.waitForTimeout(300);
  }
  await page.keyboard.press('1');
  await area(/^Tokens by layers/).focus();
  await press('arrows over tokens', ['ArrowDown', 'ArrowRight', 'ArrowUp']);
  await map.scrollIntoViewIfNeeded();
  const box = await map.boundingBox();
  if (box === null) throw new Error('no map');
  const hover = await best('pointing at the map', () =>
    traced(browser, page, async () => {
      for (let i = 0; i < 20; i++) await page.mouse.move(box.x + 200 + i * 20, box.y + 60 + i * 8);
    }),
  );
  expect.soft(hover.longest, 'hover').toBeLessThan(LIMIT_MS);
  const click = await best('clicks on the map', () =>
    traced(browser, page, async () => {
      for (const dx of [300, 500, 700]) await page.mouse.click(box.x + dx, box.y + 150);
    }),
  );
  expect.soft(click.longest, 'click').toBeLessThan(LIMIT_MS);
  const scroll = await best('scrolling through all of it', () =>
    traced(browser, page, async () => {
      await page.mouse.wheel(0, -10_000);
      for (let i = 0; i < 12; i++) await page.mouse.wheel(0, 500);
    }),
  );
  expect.soft(scroll.longest, 'scroll').toBeLessThan(LIMIT_MS);
});

test('results of 94 layers stream in without a task above 50 ms', async ({ browser, page }) => {
  await page.setViewportSize({ width: 1440, height: 900 });
  await page.goto(address);
  await expect(page.getByTestId('verdict')).toBeVisible({ timeout: 60_000 });
  await page.waitForTimeout(1000);
  const state = (wanted: string) =>
    page.waitForFunction((s) => document.documentElement.dataset['state'] === s, wanted, { timeout: 100_000 });
  await page.getByRole('region', { name: 'Run', exact: true }).getByRole('button', { name: /^Run / }).click();
  await state('running');
  await page.waitForTimeout(1200);
  const watch = () =>
    traced(browser, page, async () => {
      await page.waitForTimeout(STREAM_WINDOW_MS);
      await state('running');
    });
  const seen = await best('while layers stream in', watch, 3);
  expect.soft(seen.longest, 'streaming').toBeLessThan(LIMIT_MS);
  await state('done');
});

/** A first visit's processor: this many times slower than the machine that the test runs on. */
const THROTTLING = 4;
/** The page answers within this on such a processor; milliseconds. */
const INTERACTIVE_MS = 1500;
/** What of it goes by without computing: the answers of a server, fonts, the frames of the display. A quiet visit has 300 to 450 ms of them. */
const WAITS_MS = 450;
/** A task that is felt on such a processor takes this long here; milliseconds. */
const FELT_MS = 50 / THROTTLING;
/** What other programs do to the caches can only add to a time: the best of so many visits says what the page costs. */
const VISITS = 5;

test('a first visit computes little enough to answer within 1.5 s on a quarter of this processor', async ({
  browser,
}) => {
  const built = await serveFolder(fileURLToPath(new URL('../../dist', import.meta.url)));
  let least = Infinity;
  for (let visit = 0; visit < VISITS && THROTTLING * least > INTERACTIVE_MS - WAITS_MS; visit++) {
    const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
    const page = await context.newPage();
    const path = test.info().outputPath(`visit-${String(visit)}.json`);
    await browser.startTracing(page, { path, categories: ['devtools.timeline', 'toplevel'] });
    await page.goto(built.address);
    // Looking for the map meanwhile would compute in the page too.
    await page.waitForTimeout(3 * INTERACTIVE_MS);
    await expect(page.getByRole('group', { name: /^Map, / })).toBeVisible();
    await browser.stopTracing();
    await context.close();
    const { ms, tasks } = computedUntilRest(readFileSync(path, 'utf8'), FELT_MS);
    process.stdout.write(
      `first visit: ${ms.toFixed(0)} ms of computing until the page answers (${(THROTTLING * ms).toFixed(0)} at ${String(THROTTLING)} x), ${String(tasks)} tasks of ${String(FELT_MS)} ms and more\n`,
    );
    // Without a finding, a map and an inspector this would be a page that draws nothing.
    expect(tasks).toBeGreaterThan(0);
    least = Math.min(least, ms);
  }
  await built.server.close();
  expect(THROTTLING * least).toBeLessThan(INTERACTIVE_MS - WAITS_MS);
});
