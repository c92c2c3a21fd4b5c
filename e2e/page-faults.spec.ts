import type { Page } from '@playwright/test';
import { expect, test, traceModel } from 'moescope/playwright';
import { reportFromJson } from '../src/divergence/report-json';
import type { Report } from '../src/divergence/report';
import { SAMPLE_PATH } from '../tests/support/golden';

/** Opens the sample with three tokens, and the options. */
async function openSample(page: Page): Promise<void> {
  await page.goto('/?model=sample/tiny-moe-6x16-Q4_K_M.gguf');
  await expect(page.locator('html')).toHaveAttribute('data-state', 'ready');
  await page.getByRole('textbox', { name: 'Token ids' }).fill('605, 432, 258');
  // A layout that moves under the pointer loses a click.
  const options = page.locator('details', { hasText: /^Layers, stages/ });
  await expect(async () => {
    if (!(await options.evaluate((node: HTMLDetailsElement) => node.open)))
      await options.locator('summary').first().click();
    await expect(page.getByRole('combobox', { name: 'Fault', exact: true })).toBeVisible({ timeout: 1_000 });
  }).toPass();
}

async function run(page: Page): Promise<Report> {
  await page.getByRole('button', { name: 'Run', exact: true }).click();
  await expect(page.locator('html')).toHaveAttribute('data-state', 'done', { timeout: 90_000 });
  return reportFromJson(JSON.stringify(await page.evaluate(() => window.moescope.report())));
}

test('a fault put in on the page is blamed there, and taken out again', async ({ page }) => {
  await openSample(page);
  await page.getByRole('combobox', { name: 'Fault', exact: true }).selectOption('qtype-blind');
  await page.getByRole('textbox', { name: 'Fault layer' }).fill('2');
  await page.getByRole('combobox', { name: 'Fault tensor' }).selectOption('ffn_down_exps');
  await page.getByRole('button', { name: 'Add fault' }).click();
  const list = page.getByRole('list', { name: 'Faults of the next run' });
  await expect(list).toContainText('qtype-blind@layer=2,tensor=ffn_down_exps');
  const faulty = await run(page);
  expect(faulty.verdict.first).toMatchObject({
    layer: 2,
    stage: 'moe_expert_out',
    tensor: 'blk.2.ffn_down_exps.weight',
    qtype: 'Q6_K',
    hint: 'the values are those of the tensor read as Q4_K',
  });
  await expect(page.getByTestId('verdict')).toHaveText(faulty.verdict.sentence);
  expect(faulty.run.injected).toEqual([{ spec: 'qtype-blind@layer=2,tensor=ffn_down_exps', visible: true }]);
  await page.getByRole('button', { name: 'Remove qtype-blind@layer=2,tensor=ffn_down_exps' }).click();
  const clean = await run(page);
  expect(clean.verdict.status).toBe('match');
  expect(clean.run.inject).toBeUndefined();
});

test('a fault that cannot be is refused where it is typed', async ({ page }) => {
  await openSample(page);
  await page.getByRole('combobox', { name: 'Fault', exact: true }).selectOption('scale-bitflip');
  await page.getByRole('textbox', { name: 'Fault bit' }).fill('11');
  await page.getByRole('button', { name: 'Add fault' }).click();
  await expect(page.getByRole('alert')).toContainText('a scale has mantissa bits 0 to 9');
  await expect(page.getByRole('list', { name: 'Faults of the next run' })).toHaveCount(0);
});

test("the llama.cpp-like arm runs against the reference, with the reference's experts, and cannot have faults", async ({
  page,
}) => {
  const report = await traceModel(page, {
    file: SAMPLE_PATH,
    tokens: [605, 432, 258],
    arms: ['cpu-ggml', 'cpu'],
    routing: 'reference',
  });
  await expect(page.getByRole('group', { name: 'Faults on purpose' })).toHaveCount(0);
  expect(report.run).toMatchObject({ arms: ['cpu-ggml', 'cpu'], routing: 'reference' });
  expect(report.adapter).toBeUndefined();
  expect(report.verdict.sentence).toMatch(/^MATCH: .*relative L2 of a stage alone at most 0\.0/);
});
