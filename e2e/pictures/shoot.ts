import { mkdirSync, writeFileSync } from 'node:fs';
import { expect, test, type Page } from '@playwright/test';
import { serveHarnessPage } from '../support/harness-page';

/** All of them; what git ignores. */
const SHOTS = 'test-results/pictures';
/** Those that are kept in the repository. */
const KEPT = 'docs/pictures/states';

const WIDTHS = [
  [1440, 900],
  [1024, 900],
  [360, 740],
] as const;
const SCHEMES = ['light', 'dark'] as const;

export interface State {
  readonly name: string;
  /** `/` is the page that is shipped; `size.html...` the same page over a replayed run. */
  readonly address: string;
  readonly prepare?: (page: Page) => Promise<void>;
  /** The whole page, not what fits the window. */
  readonly whole?: boolean;
  readonly widths?: readonly number[];
  /** Sights that are kept, `width-scheme`; or all that are shot. */
  readonly kept?: 'all' | readonly string[];
}

/** A replayed run of `size.html`, of this shape. */
export const replay = (options: Readonly<Record<string, string | number>>): string =>
  `size.html?${new URLSearchParams(Object.entries(options).map(([name, value]) => [name, String(value)])).toString()}`;

/** A test a state: each width, light and dark. */
export function shootAll(states: readonly State[]): void {
  let harness: Awaited<ReturnType<typeof serveHarnessPage>> | undefined;
  test.beforeAll(() => {
    mkdirSync(SHOTS, { recursive: true });
    mkdirSync(KEPT, { recursive: true });
  });
  test.afterAll(() => harness?.server.close());

  for (const { name, address, prepare, whole = false, widths, kept = [] } of states) {
    test(name, async ({ page }) => {
      await page.setViewportSize({ width: 1440, height: 900 });
      await page.emulateMedia({ reducedMotion: 'reduce' });
      if (address === '/') await page.goto('/');
      else {
        harness ??= await serveHarnessPage();
        await page.goto(harness.address.replace('size.html', address));
      }
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
          if (kept === 'all' || kept.includes(sight)) await keep(page, `${name}-${sight}`, whole);
        }
      }
      expect(await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth)).toBeLessThanOrEqual(
        0,
      );
    });
  }
}

/** As WebP, which is a third of a PNG; Playwright itself writes none. */
async function keep(page: Page, name: string, whole: boolean): Promise<void> {
  const session = await page.context().newCDPSession(page);
  const { data } = await session.send('Page.captureScreenshot', {
    ...{ format: 'webp', quality: 70, captureBeyondViewport: whole },
    ...(whole ? { clip: await wholeOf(page) } : {}),
  });
  writeFileSync(`${KEPT}/${name}.webp`, Buffer.from(data, 'base64'));
  await session.detach();
}

function wholeOf(page: Page): Promise<{ x: number; y: number; width: number; height: number; scale: number }> {
  return page.evaluate(() => {
    const { scrollWidth: width, scrollHeight: height } = document.documentElement;
    return { x: 0, y: 0, width, height, scale: 1 };
  });
}
