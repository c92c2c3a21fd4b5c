import AxeBuilder from '@axe-core/playwright';
import { expect, type Page } from '@playwright/test';

export const SHOTS = 'test-results/screenshots';

export interface Looked {
  /** A selector: only this part is new since the last audit. */
  readonly only?: string;
}

/**
 * No violation of WCAG 2.2 A and AA, nor of axe's best practices. In the dark only what depends on colours is asked again: the rest of
 * the page is the same.
 */
export async function audit(page: Page, view: string, { only }: Looked = {}): Promise<void> {
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    let axe = new AxeBuilder({ page });
    if (only !== undefined) axe = axe.include(only);
    if (colorScheme === 'dark') axe = axe.withRules(['color-contrast', 'link-in-text-block']);
    const { violations } = await axe.analyze();
    const found = violations.flatMap(({ id, help, nodes }) =>
      nodes.map((node) => `${id} (${help}): ${node.html.slice(0, 160)}`),
    );
    expect(found, `${view}, ${colorScheme}`).toEqual([]);
  }
}

/** A desk by day, a laptop by night, a phone by day. */
const SIGHTS = [
  [1440, 900, 'light'],
  [1024, 900, 'dark'],
  [360, 740, 'light'],
] as const;

/** Kept by the run, for people to look at; nothing may stick out at any width. */
export async function shoot(page: Page, view: string, fullPage = true): Promise<void> {
  for (const [width, height, colorScheme] of SIGHTS) {
    await page.setViewportSize({ width, height });
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    await expect
      .poll(() => page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth), { message: view })
      .toBeLessThanOrEqual(0);
    await page.screenshot({ path: `${SHOTS}/${view}-${String(width)}-${colorScheme}.png`, fullPage });
  }
  await page.setViewportSize({ width: 1440, height: 900 });
}
