import { expect, test, type Locator, type Page } from '@playwright/test';

/** Figures that are far from the window are neither laid out nor painted. Nobody may notice. */

/** Whether what a block holds is left out of layout for now. */
const isLeftOut = (block: Locator): Promise<boolean> =>
  block.evaluate((element) => element.firstElementChild?.checkVisibility({ contentVisibilityAuto: true }) === false);

const numbers = (page: Page): Locator =>
  page.locator('section', { has: page.getByText('in numbers', { exact: false }) });
const way = (page: Page): Locator => page.getByRole('group', { name: /of one token/ });

const heightOf = (page: Page): Promise<number> => page.evaluate(() => document.documentElement.scrollHeight);

/** The recorded trace, with all that comes after the first figure: nothing is drawn any more, and the page has stood still for a second. */
async function open(page: Page): Promise<void> {
  await page.goto('/');
  await expect(numbers(page)).toHaveCount(1);
  await expect(way(page).locator('svg')).toHaveCount(1);
  await expect(page.locator('.inspector-body')).toHaveCount(1);
  await expect
    .poll(async () => {
      const before = await heightOf(page);
      await page.waitForTimeout(1000);
      return (await heightOf(page)) - before;
    })
    .toBe(0);
}

test('a figure far below waits to be laid out, though it is drawn, and is there when somebody comes', async ({
  page,
}) => {
  await open(page);
  expect(await isLeftOut(numbers(page))).toBe(true);
  await way(page).focus();
  await expect(way(page)).toBeInViewport();
  await expect(way(page).locator('svg')).toBeVisible();
  await page.keyboard.press('End');
  await expect(page.getByText('Whole model:')).toBeInViewport();
  expect(await isLeftOut(numbers(page))).toBe(false);
});

test('the browser finds a word of a figure far below', async ({ page }) => {
  await open(page);
  // What Ctrl+F does.
  const found = () =>
    page.evaluate(() => 'find' in window && typeof window.find === 'function' && window.find('Whole model:') === true);
  expect(await found()).toBe(true);
  await expect(page.getByText('Whole model:')).toBeInViewport();
});

test('the scroll bar stays where it is while figures come into view', async ({ page }) => {
  for (const width of [1440, 1024, 360]) {
    await page.setViewportSize({ width, height: 800 });
    await open(page);
    const before = await heightOf(page);
    for (let y = 0; y < before; y += 600) {
      await page.evaluate((to) => {
        window.scrollTo(0, to);
        return new Promise(requestAnimationFrame);
      }, y);
    }
    const grown = (await heightOf(page)) / before;
    expect(grown, `${String(width)} px`).toBeGreaterThan(0.95);
    expect(grown, `${String(width)} px`).toBeLessThan(1.05);
  }
});

test('the inspector has its room before its values are drawn', async ({ page }) => {
  await page.addInitScript(() => {
    const heights: number[] = [];
    Object.assign(window, { heights });
    const watch = (): void => {
      const inspector = document.querySelector('.inspector');
      if (inspector !== null) heights.push(inspector.getBoundingClientRect().height);
      requestAnimationFrame(watch);
    };
    requestAnimationFrame(watch);
  });
  await open(page);
  const heights = await page.evaluate(() =>
    'heights' in window && Array.isArray(window.heights) ? window.heights.map(Number) : [],
  );
  const last = heights.at(-1) ?? 0;
  expect(last).toBeGreaterThan(100);
  expect(Math.min(...heights) / last).toBeGreaterThan(0.9);
});

test('a picture of the whole page holds every figure, and so does paper', async ({ page }) => {
  await open(page);
  const picture = (await page.screenshot({ fullPage: true })).toString('base64');
  const box = await numbers(page).boundingBox();
  if (box === null) throw new Error('no numbers');
  const inked = await page.evaluate(
    async ({ picture, box }) => {
      const bytes = Uint8Array.from(atob(picture), (letter) => letter.charCodeAt(0));
      const image = await createImageBitmap(new Blob([bytes], { type: 'image/png' }));
      const context = new OffscreenCanvas(image.width, image.height).getContext('2d');
      context?.drawImage(image, 0, 0);
      const { data } = context?.getImageData(box.x, box.y, box.width, box.height) ?? { data: [] };
      const words = new Uint32Array(Uint8ClampedArray.from(data).buffer);
      return words.filter((word) => word !== words[0]).length / words.length;
    },
    { picture, box },
  );
  // A table of numbers: a few percent of ink.
  expect(inked).toBeGreaterThan(0.01);

  await page.emulateMedia({ media: 'print' });
  await page.reload();
  await open(page);
  expect(await isLeftOut(numbers(page))).toBe(false);
});

test('a page at rest is made whole, so that screen readers are told of every figure', async ({ page }) => {
  await open(page);
  await expect(page.locator('html')).toHaveAttribute('data-whole', '');
  const cdp = await page.context().newCDPSession(page);
  const { nodes } = await cdp.send('Accessibility.getFullAXTree');
  const told = nodes
    .filter(({ ignored, role }) => !ignored && role?.value === 'heading')
    .map(({ name }) => String(name?.value));
  expect(told).toEqual(expect.arrayContaining(['Next token', 'Every stage, every layer, in numbers']));
});
