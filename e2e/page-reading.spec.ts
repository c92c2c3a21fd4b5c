import { expect, test } from '@playwright/test';
import { showTrace } from './support/page';

const LARGE = { nLayer: 48, nExpert: 128, nExpertUsed: 8, nTokens: 300 };

test('keys walk the divergences, and the detail follows', async ({ page }) => {
  await showTrace(page, { kind: 'qtype-blind' });
  const heading = (name: RegExp) => page.getByRole('heading', { name });
  await expect(heading(/^Layer 2, MoeExpertOut/)).toBeVisible();
  await page.keyboard.press('n');
  await expect(heading(/^Layer 2, MoeFfnOut/)).toBeVisible();
  await page.keyboard.press('p');
  await page.keyboard.press('p');
  await expect(heading(/^LmHead/)).toBeVisible();
  await page.keyboard.press('f');
  await expect(heading(/^Layer 2, MoeExpertOut/)).toBeVisible();
  await expect(page.getByRole('status')).toHaveText('Layer 2, MoeExpertOut, token 0.');
  await page.getByRole('textbox', { name: 'Prompt', exact: true }).focus();
  await page.keyboard.press('n');
  await expect(heading(/^Layer 2, MoeExpertOut/)).toBeVisible();
});

test('arrow keys walk over the figures', async ({ page }) => {
  await showTrace(page, { kind: 'qtype-blind' });
  await page.getByRole('group', { name: /^Stages by layers/ }).focus();
  await page.keyboard.press('ArrowDown');
  await expect(page.getByRole('heading', { name: 'Layer 2, MoeFfnOut, token 0' })).toBeVisible();
  await page.keyboard.press('ArrowRight');
  await expect(page.getByRole('heading', { name: 'Layer 2, MoeFfnOut, token 1' })).toBeVisible();
  await page.getByRole('group', { name: /^MoeRouter/ }).focus();
  await page.keyboard.press('ArrowRight');
  await expect(page.getByRole('heading', { name: 'Layer 3, MoeRouter' })).toBeVisible();
});

test('every figure has a caption and a table twin', async ({ page }) => {
  await showTrace(page, { kind: 'qtype-blind' });
  const numbers = page.getByRole('region', { name: 'Stages by layers, in numbers' });
  // The last of what comes a moment after the first figure.
  await expect(numbers).toBeVisible();
  const figures = page.getByRole('figure');
  expect(await figures.count()).toBeGreaterThanOrEqual(5);
  for (const figure of await figures.all()) await expect(figure.locator('figcaption')).not.toBeEmpty();
  // No two begin with the same words.
  const titles = (await figures.locator('> figcaption').allTextContents()).map((text) => text.trim().slice(0, 16));
  expect(new Set(titles).size).toBe(titles.length);
  await expect(page.getByRole('figure', { name: /^MoeRouter\b/ })).toHaveCount(1);
  await page.getByText('These curves as a table').click();
  const curves = page.getByRole('region', { name: 'These curves as a table' });
  await expect(curves.getByRole('row')).toHaveCount(7);
  await page.getByText('These choices as a table').click();
  await expect(page.getByRole('region', { name: 'These choices as a table' }).getByRole('row')).toHaveCount(21);
  await expect(numbers.getByRole('cell', { name: '1.4e6' })).toBeVisible();
});

test('what is not finite stands in its own lane and is said in words', async ({ page }) => {
  await showTrace(page, { kind: 'poison' });
  const out = page.getByRole('figure', { name: /^MoeFfnOut\b.*not finite in 3 layers/ });
  await expect(out).toBeVisible();
  expect(await out.locator('.mark-nonfinite').count()).toBe(3);
});

test('48 layers x 128 experts x 300 tokens fit a phone, a laptop and a wall, light and dark', async ({ page }) => {
  await showTrace(page, { kind: 'qtype-blind', ...LARGE });
  for (const width of [360, 1024, 1440, 3840]) {
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.setViewportSize({ width, height: 900 });
      await page.emulateMedia({ colorScheme });
      await expect(page.locator('canvas')).toHaveCount(5);
      const where = `${String(width)} px, ${colorScheme}`;
      // The figures follow the window a frame or two later.
      const overflow = () => page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
      await expect.poll(overflow, { message: where }).toBeLessThanOrEqual(0);
      const { marks, blank } = await page.evaluate(() => ({
        marks: Math.max(...[...document.querySelectorAll('svg')].map((svg) => svg.querySelectorAll('*').length)),
        blank: [...document.querySelectorAll('canvas')].filter((canvas) => {
          const pixels = canvas.getContext('2d')?.getImageData(0, 0, canvas.width, canvas.height).data;
          return pixels === undefined || !new Uint32Array(pixels.buffer).some((word) => word !== 0);
        }).length,
      }));
      expect(marks, where).toBeLessThan(5000);
      expect(blank, where).toBe(0);
    }
  }
});

test('text has the contrast that WCAG AA asks for, light and dark', async ({ page }) => {
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme });
    await showTrace(page, { kind: 'qtype-blind' });
    const poor = await page.evaluate(() => {
      const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
      const rgb = (colour: string): number[] => {
        if (canvas === null) return [];
        canvas.clearRect(0, 0, 1, 1);
        canvas.fillStyle = colour;
        canvas.fillRect(0, 0, 1, 1);
        return [...canvas.getImageData(0, 0, 1, 1).data];
      };
      const luminance = ([r = 0, g = 0, b = 0]: number[]): number => {
        const [x = 0, y = 0, z = 0] = [r, g, b].map((c) =>
          c / 255 <= 0.03928 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4,
        );
        return 0.2126 * x + 0.7152 * y + 0.0722 * z;
      };
      const ground = (element: Element | null): number[] => {
        for (let e = element; e !== null; e = e.parentElement) {
          const colour = rgb(getComputedStyle(e).backgroundColor);
          if ((colour[3] ?? 0) > 250) return colour;
        }
        return [255, 255, 255];
      };
      const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
      const found: string[] = [];
      while (walker.nextNode() !== null) {
        const element = walker.currentNode.parentElement;
        const text = walker.currentNode.textContent?.trim() ?? '';
        if (
          element === null ||
          text === '' ||
          element.closest('.visually-hidden, script, button:disabled, kbd') !== null
        )
          continue;
        const style = getComputedStyle(element);
        const ink = luminance(rgb(element instanceof SVGElement ? style.fill : style.color));
        const paper = luminance(ground(element));
        const ratio = (Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05);
        if (ratio < 4.5) found.push(`${text.slice(0, 30)}: ${ratio.toFixed(2)}`);
      }
      return found;
    });
    expect(poor).toEqual([]);
  }
});

test('print is paper and ink, without controls', async ({ page }) => {
  await page.emulateMedia({ colorScheme: 'dark', media: 'print' });
  await showTrace(page, { kind: 'qtype-blind' });
  expect(await page.evaluate(() => getComputedStyle(document.body).backgroundColor)).toBe('rgb(255, 255, 255)');
  await expect(page.getByRole('button', { name: 'Run', exact: true })).toBeHidden();
  await expect(page.getByRole('figure', { name: /^MoeRouter/ })).toBeVisible();
});
