import { expect, test } from '@playwright/test';
import { showTrace } from './support/page';

const LARGE = { nLayer: 48, nExpert: 128, nExpertUsed: 8, nTokens: 12 };

test('the map zooms by a drag along its axis and by Ctrl and the wheel, its overview moves the window, a double click shows all', async ({
  page,
}) => {
  await page.setViewportSize({ width: 1440, height: 900 });
  await showTrace(page, { kind: 'qtype-blind', ...LARGE });
  const box = await page.getByRole('group', { name: /^Map, / }).boundingBox();
  const axis = await page
    .locator('.face text', { hasText: /^layer$/ })
    .first()
    .boundingBox();
  if (box === null || axis === null) throw new Error('no map');
  const window = page.getByText(/^layers \d+ to \d+ of 48$/);
  await expect(window).toHaveCount(0);
  const y = axis.y + axis.height / 2;
  await page.mouse.move(box.x + 400, y);
  await page.mouse.down();
  await page.mouse.move(box.x + 700, y, { steps: 4 });
  await page.mouse.up();
  await expect(window).toBeVisible();
  await expect.poll(() => new URL(page.url()).hash).toContain('z=');
  const dragged = await window.textContent();
  // The overview: a press at its end goes there.
  const overview = await window.boundingBox();
  await page.mouse.click(box.x + box.width - 120, (overview?.y ?? 0) + (overview?.height ?? 0) / 2);
  await expect(window).not.toHaveText(dragged ?? '');
  await page.mouse.dblclick(box.x + 500, box.y + 160);
  await expect(window).toHaveCount(0);
  await page.mouse.move(box.x + 500, box.y + 160);
  await page.keyboard.down('Control');
  await page.mouse.wheel(0, -200);
  await page.mouse.wheel(0, -200);
  await page.keyboard.up('Control');
  await expect(window).toBeVisible();
});

test('what lies under the pointer is read out: in the inspector, and in the gutter of each strip', async ({ page }) => {
  await page.setViewportSize({ width: 1440, height: 900 });
  await showTrace(page, { kind: 'qtype-blind' });
  const box = await page.getByRole('group', { name: /^Map, / }).boundingBox();
  if (box === null) throw new Error('no map');
  const readings = page.locator('.face text', { hasText: /^layer 4$/ });
  await expect(readings).toHaveCount(0);
  await page.mouse.move(box.x + 800, box.y + 60);
  await expect(page.getByRole('heading', { name: /^Layer 4 · / })).toBeVisible();
  await expect(readings).toHaveCount(3);
});

test('a word that needs two sentences has them on focus, and Escape ends it', async ({ page }) => {
  await showTrace(page, { kind: 'qtype-blind' });
  const term = page.getByRole('button', { name: 'What is isolated?' });
  await term.focus();
  const said = page.getByRole('tooltip');
  await expect(said).toContainText('fed the reference’s own input');
  await expect(said.locator('svg')).toBeVisible();
  await page.keyboard.press('Escape');
  await expect(said).toHaveCount(0);
  await expect(term).toBeFocused();
});

test.describe('on a phone', () => {
  test.use({ hasTouch: true, viewport: { width: 360, height: 740 } });

  test('the inspector opens by a swipe up, and closes by one down', async ({ page }) => {
    await showTrace(page, { kind: 'qtype-blind' });
    const sheet = page.getByTestId('inspector');
    const swipe = async (by: number): Promise<void> => {
      const handle = sheet.getByRole('button', { name: /of the inspector$/ });
      const box = await handle.boundingBox();
      const [clientX, clientY] = [180, (box?.y ?? 0) + 6];
      const touch = { pointerType: 'touch', pointerId: 7, isPrimary: true, bubbles: true, clientX };
      await handle.dispatchEvent('pointerdown', { ...touch, clientY });
      await handle.dispatchEvent('pointerup', { ...touch, clientY: clientY + by });
    };
    await expect(sheet.getByText('the worst value')).toHaveCount(0);
    await swipe(-120);
    await expect(sheet.getByText('the worst value')).toBeVisible();
    const open = await sheet.boundingBox();
    expect((open?.height ?? 0) / 740).toBeGreaterThan(0.6);
    await swipe(120);
    await expect(sheet.getByText('the worst value')).toHaveCount(0);
  });
});
