import { mkdirSync, writeFileSync } from 'node:fs';
import { expect, test, type Page } from '@playwright/test';
import type { PreviewServer } from 'vite';
import { reportToJson } from '../../src/divergence/report-json';
import { generateReport } from '../../tests/support/reports';
import { SAMPLE_PATH } from '../../tests/support/golden';
import { serveHarnessPage } from '../support/harness-page';
import { healthy, pageState, runButton } from '../support/page';

/** All of them; what git ignores. */
const SHOTS = 'test-results/pictures';
/** Those that are kept in the repository: `states` with `kept`. */
const KEPT = 'docs/pictures/states';

const WIDTHS = [
  [1440, 900],
  [1024, 900],
  [360, 740],
] as const;
const SCHEMES = ['light', 'dark'] as const;

interface State {
  readonly name: string;
  /** `/` is the page that is shipped; `size.html...` the same page over a replayed run. */
  readonly address: string;
  readonly prepare?: (page: Page) => Promise<void>;
  /** The whole page, not what fits the window. */
  readonly whole?: boolean;
  readonly widths?: readonly number[];
  /** Sights that are kept, `width-scheme`. */
  readonly kept?: readonly string[];
}

const verdict = (page: Page) => expect(page.getByTestId('verdict')).toBeVisible({ timeout: 60_000 });
const press = (key: string) => async (page: Page) => {
  await verdict(page);
  await page.keyboard.press(key);
};
const replay = (options: Readonly<Record<string, string | number>>): string =>
  `size.html?${new URLSearchParams(Object.entries(options).map(([name, value]) => [name, String(value)])).toString()}`;
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
  { name: 'first', address: '/', prepare: verdict, kept: ['1440-light', '1440-dark', '1024-light', '360-light'] },
  { name: 'first-whole', address: '/', prepare: verdict, whole: true },
  { name: 'story-healthy', address: '/', prepare: healthy, kept: ['1440-light'] },
  { name: 'story-bitflip', address: '/', prepare: panel(/^One bit/), kept: ['1440-dark'] },
  {
    name: 'file-card',
    address: '/',
    prepare: async (page) => {
      await page.locator('input[type="file"]').setInputFiles(SAMPLE_PATH);
      await pageState(page, 'ready', 'error');
    },
    kept: ['1440-light'],
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
  {
    name: 'running-48',
    address: replay({ ...LARGE, step: 600 }),
    prepare: run(19),
    widths: [1440],
    kept: ['1440-light'],
  },
  { name: 'running-48-1024', address: replay({ ...LARGE, step: 600 }), prepare: run(19), widths: [1024] },
  { name: 'running-48-360', address: replay({ ...LARGE, step: 600 }), prepare: run(19), widths: [360] },
  {
    name: 'match-48',
    address: replay({ ...LARGE, kind: 'clean', step: 1 }),
    prepare: run('done'),
    kept: ['1440-dark'],
  },
  {
    name: 'diverged-48',
    address: replay({ ...LARGE, step: 1 }),
    prepare: run('done'),
    kept: ['1440-light', '360-light'],
  },
  { name: 'diverged-48-whole', address: replay({ ...LARGE, step: 1 }), prepare: run('done'), whole: true },
  {
    name: 'nan-48',
    address: replay({ ...LARGE, kind: 'poison', step: 1 }),
    prepare: run('done'),
    whole: true,
    kept: ['1440-light'],
  },
  { name: 'error-48', address: replay({ ...LARGE, step: 1, fail: 1 }), prepare: run('error') },
  {
    name: 'largest',
    address: replay({ ...LARGEST, step: 1 }),
    prepare: run('done'),
    whole: true,
    kept: ['1440-light'],
  },
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

let server: PreviewServer;
let harness: string;
test.beforeAll(async () => {
  ({ server, address: harness } = await serveHarnessPage());
  mkdirSync(SHOTS, { recursive: true });
  mkdirSync(KEPT, { recursive: true });
});
test.afterAll(() => server.close());

for (const { name, address, prepare, whole = false, widths, kept = [] } of STATES) {
  test(name, async ({ page }) => {
    await page.setViewportSize({ width: 1440, height: 900 });
    await page.emulateMedia({ reducedMotion: 'reduce' });
    await page.goto(address === '/' ? '/' : harness.replace('size.html', address));
    await prepare?.(page);
    // What comes a moment after the finding.
    await page.waitForTimeout(600);
    for (const [width, height] of WIDTHS) {
      if (widths !== undefined && !widths.includes(width)) continue;
      await page.setViewportSize({ width, height });
      for (const colorScheme of SCHEMES) {
        await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
        await page.waitForTimeout(150);
        const sight = `${String(width)}-${colorScheme}`;
        await page.screenshot({ path: `${SHOTS}/${name}-${sight}.png`, fullPage: whole });
        if (kept.includes(sight)) await keep(page, `${name}-${sight}`);
      }
    }
    expect(await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth)).toBeLessThanOrEqual(0);
  });
}

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

/** As WebP, which is a third of a PNG; Playwright itself writes none. */
async function keep(page: Page, name: string): Promise<void> {
  const session = await page.context().newCDPSession(page);
  const { data } = await session.send('Page.captureScreenshot', { format: 'webp', quality: 80 });
  writeFileSync(`${KEPT}/${name}.webp`, Buffer.from(data, 'base64'));
  await session.detach();
}
