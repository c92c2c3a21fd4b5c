import { expect, test, type Page } from '@playwright/test';
import { showTrace } from './support/page';

const LARGE = { nLayer: 48, nExpert: 128, nExpertUsed: 8, nTokens: 300 };

test('keys walk what is wrong, the inspector follows without a scroll, and the map is walked cell by cell', async ({
  page,
}) => {
  await page.setViewportSize({ width: 1440, height: 900 });
  await showTrace(page, { kind: 'qtype-blind' });
  const heading = (name: RegExp) => page.getByRole('heading', { name });
  await expect(heading(/^Layer 2 · MoeExpertOut token 0/)).toBeInViewport();
  const map = page.getByRole('group', { name: /^Map, / });
  await map.focus();
  await page.keyboard.press('ArrowUp');
  await expect(heading(/^Layer 2 · MoeExpertSwigl/)).toBeInViewport();
  await page.keyboard.press('ArrowRight');
  await expect(heading(/^Layer 3 · MoeExpertSwigl/)).toBeInViewport();
  await expect(page.getByTestId('inspector')).toContainText('right by itself, its input is wrong');
  await page.keyboard.press('n');
  await expect(heading(/^Layer 2 · MoeExpertOut token 0/)).toBeInViewport();
  await expect(page.getByRole('status')).toHaveText('Layer 2, MoeExpertOut, token 0.');
  // Letters are not keys while one types.
  await page.keyboard.press('ArrowLeft');
  await page.getByRole('textbox', { name: 'Prompt', exact: true }).focus();
  await page.keyboard.press('n');
  await expect(heading(/^Layer 1 · MoeExpertOut/)).toBeVisible();
  // Pointing shows, a click keeps.
  const box = await map.boundingBox();
  if (box === null) throw new Error('no map');
  await page.mouse.move(box.x + 320, box.y + 60);
  await expect(heading(/^Layer 0 · /)).toBeVisible();
  await page.mouse.move(box.x + 320, box.y - 200);
  await expect(heading(/^Layer 1 · MoeExpertOut/)).toBeVisible();
  await page.mouse.click(box.x + 800, box.y + 60);
  await expect(heading(/^Layer 4 · /)).toBeVisible();
});

test('the picture shows what its headline says: the measure that decided, for the page, its strips and its inspector', async ({
  page,
}) => {
  await showTrace(page, { kind: 'qtype-blind' });
  await expect(page.getByRole('button', { name: 'isolated', exact: true }).first()).toHaveAttribute(
    'aria-pressed',
    'true',
  );
  await expect(page.getByRole('button', { name: 'error ÷ bound', exact: true }).first()).toHaveAttribute(
    'aria-pressed',
    'true',
  );
  await expect(
    page.getByRole('figure', { name: /^MoeExpertOut, error ÷ bound, isolated: at most 1\.4e6, at layer 2/ }),
  ).toBeVisible();
  await page.getByRole('button', { name: 'free-running', exact: true }).first().click();
  // A bound holds for one stage alone.
  await expect(page.getByRole('button', { name: 'error ÷ bound', exact: true }).first()).toBeDisabled();
  await expect(page.getByRole('figure', { name: /^Stages by layers, relative L2, free-running/ })).toBeVisible();
  await page.keyboard.press('5');
  await expect(page.getByRole('columnheader', { name: 'relative L2' }).last()).toBeVisible();
});

/** The controls of the run bar, and its labels, that the open prompt lies over, or that run into each other. */
async function coveredByPrompt(page: Page): Promise<readonly string[]> {
  const prompt = page.getByRole('textbox', { name: 'Prompt', exact: true });
  await prompt.fill('Once upon a time there was a brave fox. '.repeat(12));
  await prompt.focus();
  const covered = await page.getByRole('region', { name: 'Run', exact: true }).evaluate((bar) => {
    const open = bar.querySelector('textarea');
    const parts = [...bar.querySelectorAll('button, textarea')].filter((part) => part.getClientRects().length > 0);
    const inset = (part: Element): DOMRect => {
      const { x, y, width, height } = part.getBoundingClientRect();
      // The focus ring and shared borders may touch.
      return new DOMRect(x + 3, y + 3, width - 6, height - 6);
    };
    return parts.flatMap((part, i) =>
      parts.slice(i + 1).flatMap((other) => {
        if (part !== open && other !== open && part.parentElement !== other.parentElement) return [];
        const [a, b] = [inset(part), inset(other)];
        const apart = a.right <= b.left || b.right <= a.left || a.bottom <= b.top || b.bottom <= a.top;
        return apart ? [] : [`${part.textContent ?? ''} and ${other.textContent ?? ''}`];
      }),
    );
  });
  await prompt.fill('The cat sat on the mat.');
  await prompt.blur();
  return covered;
}

test('every figure has a caption, and the map its table', async ({ page }) => {
  await showTrace(page, { kind: 'not-finite' });
  await expect(page.getByTestId('nonfinite')).toContainText('NaN appears first at layer 3, MoeExpertGate');
  await expect(page.getByTestId('nonfinite')).toContainText('The other side stays finite throughout.');
  for (const figure of await page.getByRole('figure').all()) await expect(figure.locator('figcaption')).not.toBeEmpty();
  await expect(page.getByRole('figure', { name: /^MoeFfnOut, .*free-running .*not finite in 3 layers/ })).toBeVisible();
  await page.keyboard.press('5');
  await expect(page.getByRole('region', { name: 'Stages by layers, in numbers' }).getByRole('row')).toHaveCount(25);
  await page.keyboard.press('2');
  await page.getByText('These choices as a table').click();
  await expect(page.getByRole('region', { name: 'These choices as a table' }).getByRole('row')).toHaveCount(21);
});

test('48 layers x 128 experts x 300 tokens fit a phone, a laptop and a wall; the map zooms', async ({ page }) => {
  await showTrace(page, { kind: 'qtype-blind', ...LARGE });
  for (const [width, colorScheme] of [
    [360, 'light'],
    [1024, 'dark'],
    [3840, 'light'],
  ] as const) {
    await page.setViewportSize({ width, height: 900 });
    await page.emulateMedia({ colorScheme });
    const overflow = () => page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    await expect.poll(overflow, { message: String(width) }).toBeLessThanOrEqual(0);
    const marks = await page.evaluate(() =>
      Math.max(...[...document.querySelectorAll('svg')].map((svg) => svg.querySelectorAll('*').length)),
    );
    expect(marks, String(width)).toBeLessThan(5000);
    await expect(page.locator('.pane canvas')).toHaveCount(1);
    expect(await coveredByPrompt(page), String(width)).toEqual([]);
  }
  await page.setViewportSize({ width: 1440, height: 900 });
  await page.keyboard.press('+');
  await expect.poll(() => new URL(page.url()).hash).toContain('z=');
  await expect(page.getByText(/^layers \d+ to \d+ of 48$/)).toBeVisible();
  await page.keyboard.press('0');
  await expect(page.getByText(/^layers \d+ to \d+ of 48$/)).toHaveCount(0);
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

/** Texts below 11 pixels, with their size as it is on the screen. */
function smallTexts(page: Page): Promise<readonly string[]> {
  return page.evaluate(() => {
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    const found: string[] = [];
    while (walker.nextNode() !== null) {
      const element = walker.currentNode.parentElement;
      const text = walker.currentNode.textContent?.trim() ?? '';
      if (element === null || text === '' || element.closest('.visually-hidden, script, style, sup') !== null) continue;
      // Raised digits are part of a number that is larger.
      if (element instanceof SVGTSpanElement && element.hasAttribute('dy')) continue;
      const box = element.getBoundingClientRect();
      const scale = element instanceof SVGElement ? (element.ownerSVGElement?.getScreenCTM()?.a ?? 1) : 1;
      const size = parseFloat(getComputedStyle(element).fontSize) * scale;
      if (box.width > 0 && size < 11) found.push(`${text.slice(0, 30)}: ${size.toFixed(1)}`);
    }
    return found;
  });
}

test('no text is smaller than 11 pixels, and header, bar and body share their sides on a wide screen', async ({
  page,
}) => {
  await showTrace(page, { kind: 'qtype-blind' });
  for (const width of [1920, 1440, 360]) {
    await page.setViewportSize({ width, height: 900 });
    // Figures are drawn anew a moment after the window has another width.
    await expect.poll(() => smallTexts(page), { message: String(width) }).toEqual([]);
  }
  await page.setViewportSize({ width: 1920, height: 900 });
  const left = (what: ReturnType<Page['locator']>) => what.boundingBox().then((box) => Math.round(box?.x ?? -1));
  const bar = await left(page.getByRole('region', { name: 'Run', exact: true }));
  expect(bar).toBeGreaterThan(100);
  expect(await left(page.locator('.logo'))).toBe(bar);
  expect(await left(page.getByRole('heading', { level: 1 }))).toBe(bar);
});

test('print is paper and ink, without controls', async ({ page }) => {
  await page.emulateMedia({ colorScheme: 'dark', media: 'print' });
  await showTrace(page, { kind: 'qtype-blind' });
  expect(await page.evaluate(() => getComputedStyle(document.body).backgroundColor)).toBe('rgb(255, 255, 255)');
  await expect(page.getByRole('region', { name: 'Run', exact: true })).toBeHidden();
  await expect(page.getByRole('figure', { name: /^MoeRouter/ })).toBeVisible();
});
