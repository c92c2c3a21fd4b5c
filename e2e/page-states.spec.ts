import { readFileSync } from 'node:fs';
import { expect, test, type Page } from '@playwright/test';
import { memorySource } from '../src/gguf/memory-source';
import { openModel } from '../src/gguf/open-model';
import { goldenModelPath, SAMPLE_PATH } from '../tests/support/golden';
import { audit, SHOTS } from './support/audit';
import { healthy, pageState, runButton, tracing, typeIds } from './support/page';

/** Puts code before the engine's worker: faults of the browser are made there, and nowhere in the page. */
async function beforeWorker(page: Page, code: string): Promise<void> {
  await page.route('**/engine-worker-*.js', async (route) => {
    const response = await route.fetch();
    await route.fulfill({ response, body: `${code}\n${await response.text()}` });
  });
}

/** Code that runs with each new device as `device`. */
const withDevice = (code: string): string => `{
  const ask = GPUAdapter.prototype.requestDevice;
  GPUAdapter.prototype.requestDevice = async function (...args) {
    const device = await ask.apply(this, args);
    ${code}
    return device;
  };
}`;

/** A designed state: no violation, no overflow on a phone, and a picture for people to look at. */
async function designed(page: Page, name: string): Promise<void> {
  // The sizes between are those of page-a11y.
  for (const [width, colorScheme] of [[360, 'dark']] as const) {
    await page.setViewportSize({ width, height: 800 });
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    await expect
      .poll(() => page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth))
      .toBeLessThanOrEqual(0);
    await page.screenshot({ path: `${SHOTS}/state-${name}-${String(width)}-${colorScheme}.png` });
  }
  await page.setViewportSize({ width: 1440, height: 900 });
  await audit(page, name);
}

const button = (page: Page, name: string) => page.getByRole('button', { name, exact: true });

test('the GPU is lost in mid-run: the run goes on from the last finished layer', async ({ page }) => {
  await beforeWorker(
    page,
    withDevice(
      "{ const taken = new BroadcastChannel('take-gpu'); taken.onmessage = () => { taken.close(); device.destroy(); }; }",
    ),
  );
  await healthy(page);
  await page.getByRole('textbox', { name: 'Prompt', exact: true }).fill('Once upon a time. '.repeat(16));
  await runButton(page).click();
  await expect(tracing(page, '[3-5]')).toBeVisible({ timeout: 60_000 });
  await page.evaluate(() => {
    new BroadcastChannel('take-gpu').postMessage('now');
  });
  await expect(page.getByRole('heading', { name: /^The GPU went away after [1-5] finished layers?\./ })).toBeVisible({
    timeout: 30_000,
  });
  await expect(page.getByTestId('lost-code')).toHaveText('gpu-lost');
  expect(await pageState(page, 'running')).toBe('running');
  await designed(page, 'gpu-lost');
  await page.keyboard.press('u');
  expect(await pageState(page, 'done', 'error')).toBe('done');
  await expect(page.getByTestId('verdict')).toHaveText(/^MATCH: 6 layers, 27 stages/);
});

test('a lost run can be ended instead', async ({ page }) => {
  await beforeWorker(
    page,
    withDevice("{ const taken = new BroadcastChannel('take-gpu'); taken.onmessage = () => device.destroy(); }"),
  );
  await healthy(page);
  await page.getByRole('textbox', { name: 'Prompt', exact: true }).fill('Once upon a time. '.repeat(16));
  await runButton(page).click();
  await expect(tracing(page, '[2-5]')).toBeVisible({ timeout: 60_000 });
  await page.evaluate(() => {
    new BroadcastChannel('take-gpu').postMessage('now');
  });
  await button(page, 'End the run').click({ timeout: 30_000 });
  expect(await pageState(page, 'cancelled')).toBe('cancelled');
  await expect(page.getByText('It is no verdict')).toBeVisible();
  await runButton(page).click();
  expect(await pageState(page, 'running')).toBe('running');
  await button(page, 'Cancel').click();
});

test('an adapter that is too small says which limit, and the reference alone is one press away', async ({ page }) => {
  await beforeWorker(
    page,
    withDevice(`{
      const limits = {};
      for (const name in device.limits) limits[name] = device.limits[name];
      Object.defineProperty(device, 'limits', { value: { ...limits, maxBufferSize: 60000 } });
    }`),
  );
  await healthy(page);
  await runButton(page).click();
  expect(await pageState(page, 'error', 'done')).toBe('error');
  await expect(page.getByTestId('error-code')).toHaveText('gpu-limit');
  await expect(page.getByRole('alert')).toContainText('maxBufferSize');
  await designed(page, 'adapter-too-small');
  await button(page, 'Run the reference alone').click();
  expect(await pageState(page, 'done')).toBe('done');
  await expect(page.getByTestId('verdict')).toContainText('only the cpu engine ran');
});

test('out of memory on the GPU says so and what would need less', async ({ page }) => {
  await beforeWorker(
    page,
    withDevice(`{
      // Scopes of the other kinds never hold this error.
      const push = device.pushErrorScope.bind(device);
      const pop = device.popErrorScope.bind(device);
      const open = [];
      let steps = 0;
      device.pushErrorScope = (filter) => { open.push(filter); push(filter); };
      device.popErrorScope = async () => {
        const forced = open.pop() === 'out-of-memory' && steps++ > 10;
        return (await pop()) ?? (forced ? new GPUOutOfMemoryError('forced by a test') : null);
      };
    }`),
  );
  await healthy(page);
  await runButton(page).click();
  expect(await pageState(page, 'error', 'done')).toBe('error');
  await expect(page.getByTestId('error-code')).toHaveText('gpu-memory');
  await expect(button(page, 'Capture the last token only')).toBeVisible();
  await designed(page, 'out-of-memory');
});

test('a prompt whose captures the tab cannot hold is refused before anything runs, with the longest that it can', async ({
  page,
}) => {
  await beforeWorker(page, "Object.defineProperty(navigator, 'deviceMemory', { get: () => 1 / 8 });");
  await healthy(page);
  await typeIds(page, Array.from({ length: 2000 }, () => 7).join(','));
  await page.keyboard.press('Escape');
  // What the tab can hold is known once a model is open.
  await runButton(page).click();
  expect(await pageState(page, 'error', 'done')).toBe('error');
  await expect(page.getByTestId('error-code')).toHaveText('prompt-length');
  await expect(page.getByRole('alert')).toContainText(/this machine has 134 MB/);
  await expect(page.getByRole('alert')).toContainText(/or run at most [\d,]+ tokens/);
  await expect(page.getByTestId('estimate')).toContainText('2,000 tokens do not fit');
  await expect(page.getByTestId('estimate')).toContainText(/at most [\d,]+, or positions: last/);
  await expect(runButton(page)).toBeDisabled();
  await designed(page, 'too-long');
  await expect(button(page, 'Capture the last token only')).toBeVisible();
});

test('a server without ranges is told from a missing file, with what to do', async ({ page }) => {
  await page.route('**/norange.gguf', (route) =>
    route.fulfill({
      status: 200,
      body: readFileSync(SAMPLE_PATH).subarray(0, 200_000),
      headers: { 'accept-ranges': 'none' },
    }),
  );
  await page.goto('/?model=norange.gguf');
  expect(await pageState(page, 'error')).toBe('error');
  await expect(page.getByTestId('error-code')).toHaveText('source-range');
  await expect(page.getByRole('alert')).toContainText('norange.gguf');
  await designed(page, 'no-ranges');
});

test('a model with NaN weights is not finite on both engines, and no fault of the GPU', async ({ page }) => {
  const bytes = new Uint8Array(readFileSync(SAMPLE_PATH));
  const model = await openModel([memorySource(bytes, 'sample.gguf')]);
  const offset = model.tensors.get('blk.2.ffn_norm.weight')?.offset ?? 0;
  await model.close();
  expect(offset).toBeGreaterThan(0);
  new DataView(bytes.buffer).setFloat32(offset, NaN, true);
  await page.goto('/');
  await page
    .locator('input[type="file"]')
    .setInputFiles({ name: 'nan.gguf', mimeType: 'application/octet-stream', buffer: Buffer.from(bytes) });
  expect(await pageState(page, 'ready', 'error')).toBe('ready');
  await typeIds(page, '420, 327');
  await runButton(page).click();
  expect(await pageState(page, 'done', 'error')).toBe('done');
  await expect(page.getByTestId('verdict')).toHaveText(/^NOT FINITE: first at layer 2, ffn_norm/);
  await expect(page.getByRole('heading', { level: 1 })).toHaveText(
    'NaN at layer 2: both sides make it, so it comes from the file.',
  );
  await designed(page, 'nan-weights');
});

test('a tab in the background says that its times say little, and tells its course in its title', async ({ page }) => {
  await healthy(page);
  await page.getByRole('textbox', { name: 'Prompt', exact: true }).fill('Once upon a time. '.repeat(16));
  await runButton(page).click();
  await expect(tracing(page)).toBeVisible({ timeout: 60_000 });
  const hide = (hidden: boolean) =>
    page.evaluate((value) => {
      Object.defineProperty(document, 'hidden', { configurable: true, get: () => value });
      document.dispatchEvent(new Event('visibilitychange'));
    }, hidden);
  await hide(true);
  await expect(page).toHaveTitle(/^\d\/6 MoEscope$/);
  await expect.poll(() => page.title(), { timeout: 30_000 }).toMatch(/^[2-6]\/6/);
  await hide(false);
  await expect(page.getByTestId('was-hidden')).toContainText('in the background');
  await button(page, 'Cancel').click();
  expect(await pageState(page, 'cancelled')).toBe('cancelled');
  await expect(page).toHaveTitle('MoEscope');
});

test('a software adapter is named before and after it runs', async ({ page }) => {
  await healthy(page);
  const bar = page.getByRole('region', { name: 'Run', exact: true });
  await expect(bar).toContainText('(software)');
  await typeIds(page, '420');
  await runButton(page).click();
  expect(await pageState(page, 'done', 'error')).toBe('done');
  await expect(bar).toContainText('(software)');
  await expect(page.getByRole('contentinfo')).toContainText('(software)');
});

test('a machine of 59 stages has its strips above the fold, the culprit’s among them', async ({ page }) => {
  await page.setViewportSize({ width: 1440, height: 900 });
  await page.goto('/');
  await page.locator('input[type="file"]').setInputFiles(goldenModelPath('families/qwen3next'));
  await pageState(page, 'ready', 'error');
  await page.evaluate(async () => {
    await window.moescope.run({ tokens: [1, 5, 9, 12, 7], inject: ['delta-heads@layer=1'] });
  });
  await expect(page.getByRole('heading', { level: 1 })).toContainText('at layer 1');
  const bottom = await page.evaluate(() => {
    scrollTo(0, 0);
    // What explains the strips follows them at once.
    return document.querySelector('.below')?.getBoundingClientRect().top;
  });
  expect(bottom).toBeLessThanOrEqual(880);
  expect(bottom).toBeGreaterThan(700);
});
