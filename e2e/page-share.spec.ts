import { readFileSync } from 'node:fs';
import { expect, test, type Page } from '@playwright/test';
import { readReport } from '../src/share/check-report';
import { readPngTexts } from '../src/share/png-text';
import { readSharedFile } from '../src/share/shared-file';
import { decodeNpz } from '../src/trace/npz';
import { readTraces } from '../src/trace/read-traces';
import { dropFiles, healthy, openOptions, pageState, runButton, showTrace, typeIds } from './support/page';

const verdict = (page: Page) => page.getByTestId('verdict');
const button = (page: Page, name: string) => page.getByRole('button', { name, exact: true });
const heading = (page: Page, name: RegExp) => page.getByRole('heading', { name });

/** Opens the share dialog, presses a button and takes the file that comes out. */
async function save(page: Page, name: string): Promise<{ readonly name: string; readonly bytes: Buffer }> {
  await expect(button(page, name)).toBeEnabled();
  const [download] = await Promise.all([page.waitForEvent('download'), button(page, name).click()]);
  await expect(page.getByTestId('share-done')).toContainText('saved');
  return { name: download.suggestedFilename(), bytes: readFileSync(await download.path()) };
}

/** A page with a chosen place and metric, its share dialog open. */
async function shareView(page: Page): Promise<void> {
  await showTrace(page, { kind: 'qtype-blind' });
  await button(page, 'relative L2').click();
  await page.getByRole('group', { name: /^Map, / }).focus();
  await page.keyboard.press('ArrowDown');
  await expect(heading(page, /^Layer 2 · MoeFfnOut/)).toBeVisible();
  await page.keyboard.press('s');
  await expect(page.getByRole('dialog', { name: 'Share' })).toBeVisible();
}

/** What must be on a page that opened a shared file: the verdict, the place, the metric, where it comes from. */
async function expectSameView(page: Page, file: string, sentence: string): Promise<void> {
  await expect(page.getByText(`Opened from ${file}`).first()).toBeVisible();
  await expect(verdict(page)).toHaveText(sentence);
  await expect(heading(page, /^Layer 2 · MoeFfnOut/)).toBeVisible();
  await expect(button(page, 'relative L2')).toHaveAttribute('aria-pressed', 'true');
  expect(await pageState(page, 'done', 'error')).toBe('done');
}

test('PNG, SVG and HTML open the same view again, on a page that knows nothing of it', async ({ page, context }) => {
  await shareView(page);
  const sentence = (await verdict(page).textContent()) ?? '';
  const files = [await save(page, 'PNG'), await save(page, 'SVG'), await save(page, 'HTML report')];
  for (const file of files) {
    const other = await context.newPage();
    await other.goto('/');
    await expect(verdict(other)).toHaveText(/^NOT FINITE/);
    await dropFiles(other, [file]);
    await expectSameView(other, file.name, sentence);
    await other.keyboard.press('b');
    await expect(verdict(other)).toHaveText(/^NOT FINITE/);
    await other.close();
  }
});

test('an SVG opens again after a browser and an editor have re-saved it', async ({ page }) => {
  await shareView(page);
  const sentence = (await verdict(page).textContent()) ?? '';
  const file = await save(page, 'SVG');
  // What a viewer does: parse, rename the prefix, serialise; Inkscape adds its own and indents.
  const resaved = await page.evaluate((text) => {
    const parsed = new DOMParser().parseFromString(text, 'image/svg+xml');
    const root = parsed.documentElement;
    root.setAttribute('xmlns:inkscape', 'http://www.inkscape.org/namespaces/inkscape');
    root.setAttribute('inkscape:version', '1.3.2');
    const carrier = parsed.getElementsByTagNameNS('urn:moescope:view', 'view')[0];
    const renamed = parsed.createElementNS('urn:moescope:view', 'ns0:view');
    renamed.setAttribute('id', 'view7');
    renamed.textContent = `\n${(carrier?.textContent ?? '').replace(/(.{76})/g, '$1\n      ')}\n`;
    carrier?.replaceWith(renamed);
    return new XMLSerializer().serializeToString(parsed);
  }, file.bytes.toString('utf8'));
  expect(resaved).toContain('ns0:view');
  await page.goto('/');
  await dropFiles(page, [{ name: 'edited.svg', bytes: Buffer.from(resaved) }]);
  await expectSameView(page, 'edited.svg', sentence);
});

test('the picture is drawn: twice the size, ink on paper, and says what it is in its texts', async ({ page }) => {
  await shareView(page);
  const { bytes } = await save(page, 'PNG');
  const size = { width: bytes.readUInt32BE(16), height: bytes.readUInt32BE(20) };
  expect(size).toEqual({ width: 2400, height: 1350 });
  const texts = readPngTexts(bytes, 'png');
  expect(texts.get('Title')).toContain('DIVERGED');
  expect(texts.get('Software')).toMatch(/^MoEscope /);
  const colours = await page.evaluate(async (base64) => {
    const bitmap = await createImageBitmap(new Blob([Uint8Array.from(atob(base64), (c) => c.charCodeAt(0))]));
    const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
    const context = canvas.getContext('2d');
    context?.drawImage(bitmap, 0, 0);
    const data = context?.getImageData(0, 0, bitmap.width, bitmap.height).data ?? new Uint8ClampedArray();
    const found: Record<string, number> = {};
    for (let i = 0; i < data.length; i += 4) {
      const key = [data[i], data[i + 1], data[i + 2]].join(',');
      found[key] = (found[key] ?? 0) + 1;
    }
    return found;
  }, bytes.toString('base64'));
  // Paper, ink, what is wrong, its shadow.
  for (const colour of ['251,250,246', '27,26,22', '142,17,72', '189,171,170'])
    expect(colours[colour] ?? 0, colour).toBeGreaterThan(200);
});

test('the prompt leaves only by choice, and the preview says so', async ({ page }) => {
  const report = await showTrace(page, { kind: 'qtype-blind' });
  await page.keyboard.press('s');
  const leaves = page.getByTestId('leaves');
  await expect(leaves).toContainText('only its SHA-256');
  const json = await save(page, 'JSON report');
  expect(json.bytes.toString()).not.toContain('brave');
  expect(readReport(json.bytes.toString(), 'json').run.tokens).toEqual([]);
  const bare = await save(page, 'PNG');
  expect(JSON.stringify(readSharedFile(bare.bytes, 'png', 'png'))).not.toContain('brave');
  await page.getByRole('checkbox', { name: 'Include the prompt' }).check();
  await expect(leaves).toContainText('Once upon a time');
  const whole = await save(page, 'JSON report');
  expect(readReport(whole.bytes.toString(), 'json')).toEqual(report);
});

test('CSV and tensors come out of a run, and what comes out can be compared again', async ({ page }) => {
  await healthy(page);
  await typeIds(page, '420, 327, 220');
  await runButton(page).click();
  expect(await pageState(page, 'done', 'error')).toBe('done');
  await page.keyboard.press('Escape');
  await page.getByRole('button', { name: 'Share…' }).click();
  const csv = await save(page, 'CSV');
  expect(csv.bytes.toString()).toMatch(/^a,b,mode,layer,stage,verdict/);
  const npz = await save(page, 'Tensors, NPZ');
  expect([...decodeNpz(npz.bytes, 'npz').keys()]).toEqual(
    expect.arrayContaining([
      'gpu/layer-0/moe_router',
      'cpu/layer-0/moe_router',
      'cpu-local/layer-0/moe_router',
      'cpu-local/layer-0/moe_router.bound',
    ]),
  );
  const aprt = await save(page, 'Tensors, APRT');
  const { traces } = readTraces(aprt.bytes, 'aprt');
  expect(traces.map((t) => `${t.provenance.arm} ${t.provenance.mode}`)).toEqual(['cpu free', 'cpu local', 'gpu free']);
  expect(traces[0]?.provenance.tokens).toBeUndefined();
  await page.keyboard.press('Escape');
  const sentence = (await verdict(page).textContent()) ?? '';
  await page.goto('/');
  await dropFiles(page, [npz]);
  await expect(page.getByText(`gpu of ${npz.name} against cpu of ${npz.name}`, { exact: true })).toBeVisible();
  await expect(verdict(page)).toHaveText(sentence.replace('; free-running', '; free-running'));
  await expect(page.getByRole('list', { name: 'Notes' })).toContainText('A: gpu');
});

test('what is no picture of ours says so, and the page works on', async ({ page }) => {
  await page.goto('/');
  await expect(verdict(page)).toBeVisible();
  const png = await page.screenshot({ clip: { x: 0, y: 0, width: 40, height: 40 } });
  await dropFiles(page, [{ name: 'cat.png', bytes: png }]);
  await expect(page.getByTestId('error-code')).toHaveText('trace-format');
  await expect(page.getByRole('alert')).toContainText('cat.png');
  await dropFiles(page, [
    { name: 'evil.svg', bytes: Buffer.from('<svg><metadata>moescope-view/1 00000000 AAAA</metadata></svg>') },
  ]);
  await expect(page.getByRole('alert')).toContainText('evil.svg');
  await button(page, 'Dismiss').click();
  await expect(page.getByTestId('error-code')).toHaveCount(0);
  await expect(verdict(page)).toHaveText(/^NOT FINITE/);
});

test('a picture of another model than the open one is shown as such', async ({ page }) => {
  await shareView(page);
  const file = await save(page, 'PNG');
  await page.goto('/?model=sample/tiny-moe-6x16-Q4_K_M.gguf');
  expect(await pageState(page, 'ready', 'error')).toBe('ready');
  await dropFiles(page, [file]);
  await expect(page.getByText('another model than the one that is open')).toBeVisible();
});

test('the address keeps view, place and options across a reload; Back goes to the place before; an old link is upgraded', async ({
  page,
}) => {
  await showTrace(page, { kind: 'qtype-blind' });
  await button(page, 'relative L2').click();
  const map = page.getByRole('group', { name: /^Map, / });
  await map.focus();
  await page.keyboard.press('ArrowDown');
  await expect.poll(() => new URL(page.url()).hash).toContain('s=moe_ffn_out');
  await page.keyboard.press('ArrowRight');
  await expect.poll(() => new URL(page.url()).hash).toContain('l=3');
  await page.goBack();
  await expect(heading(page, /^Layer 2 · MoeFfnOut/)).toBeVisible();
  await page.keyboard.press('5');
  await openOptions(page);
  await page.getByRole('textbox', { name: /^Layers/ }).fill('0..4');
  await expect.poll(() => new URL(page.url()).hash).toMatch(/u=l2.*d=numbers.*o-layers=0\.\.4/);
  expect(page.url()).not.toContain('Once');
  await page.reload();
  await expect(heading(page, /^Layer 2 · MoeFfnOut/)).toBeVisible();
  await expect(button(page, 'relative L2')).toHaveAttribute('aria-pressed', 'true');
  await expect(page.getByRole('tab', { name: 'Numbers' })).toHaveAttribute('aria-selected', 'true');
  await openOptions(page);
  await expect(page.getByRole('textbox', { name: /^Layers/ })).toHaveValue('0..4');
  // Version 1, pasted into the open page.
  await page.evaluate(() => {
    location.hash = '#v=1&at=4.moe_router.2&metric=relL2&heat=isolated';
  });
  await expect(heading(page, /^Layer 4 · MoeRouter token 2/)).toBeVisible();
  await page.evaluate(() => {
    location.hash = '#v=99&s=moe_router';
  });
  await expect(page.getByTestId('notice')).toContainText('version 99');
});

test('a run is still there after a reload, and its link opens as that run on a page that knows nothing of it', async ({
  page,
  browser,
  baseURL,
}) => {
  await page.goto('/');
  await typeIds(page, '420, 327');
  await runButton(page).click();
  expect(await pageState(page, 'done', 'error')).toBe('done');
  const sentence = (await verdict(page).textContent()) ?? '';
  expect(sentence).not.toMatch(/^MATCH/);
  await expect.poll(() => new URL(page.url()).hash).toContain('r=');
  await expect(page.getByRole('button', { name: 'Runs 1' })).toBeVisible();
  await page.reload();
  await expect(verdict(page)).toHaveText(sentence);
  await expect(page.getByText(/^Kept from /).first()).toBeVisible();
  const link = await page.evaluate(async () => {
    const written: string[] = [];
    Object.defineProperty(navigator, 'clipboard', {
      value: {
        writeText: (text: string) => {
          written.push(text);
          return Promise.resolve();
        },
      },
    });
    document.dispatchEvent(new KeyboardEvent('keydown', { key: 'l', bubbles: true }));
    while (written.length === 0) await new Promise((done) => setTimeout(done, 20));
    return written[0] ?? '';
  });
  expect(link.length).toBeLessThan(4000);
  const context = await browser.newContext({ ...(baseURL === undefined ? {} : { baseURL }), serviceWorkers: 'block' });
  const other = await context.newPage();
  await other.goto(link);
  await expect(verdict(other)).toHaveText(sentence);
  await expect(other.getByText('Opened from a link', { exact: true }).first()).toBeVisible();
  await expect(other.getByRole('figure', { name: /^Stages by layers/ })).toBeVisible();
  await context.close();
});

test('a link of another model says so and waits for it', async ({ page }) => {
  await showTrace(page, { kind: 'qtype-blind' }, '/#v=2&s=moe_router&l=3&m=deadbeef0000&name=Qwen3-30B');
  await expect(page.getByTestId('notice')).toContainText('another model: Qwen3-30B');
  await expect(heading(page, /^Layer 2 · MoeExpertOut/)).toBeVisible();
  expect(new URL(page.url()).hash).toContain('deadbeef0000');
});

test('link, sentence and picture can be copied', async ({ page, context }) => {
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  await shareView(page);
  await button(page, 'Copy link').click();
  await expect(page.getByTestId('share-done')).toHaveText('Link copied.');
  const link = await page.evaluate(() => navigator.clipboard.readText());
  expect(link).toMatch(/^http:\/\/localhost:\d+\/#v=4&s=moe_ffn_out&l=2/);
  await page.getByRole('checkbox', { name: 'Include the prompt' }).check();
  await button(page, 'Copy link').click();
  await expect(page.getByTestId('share-done')).toHaveText('Link copied, with the prompt.');
  expect(await page.evaluate(() => navigator.clipboard.readText())).toContain('prompt=Once+upon');
  await button(page, 'Copy picture').click();
  await expect(page.getByTestId('share-done')).toHaveText('Picture copied.');
  const types = await page.evaluate(async () => (await navigator.clipboard.read()).flatMap((item) => item.types));
  expect(types).toContain('image/png');
});
