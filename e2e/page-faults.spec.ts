import { expect, test, traceModel } from 'moescope/playwright';
import { reportFromJson } from '../src/divergence/report-json';
import { SAMPLE_PATH } from '../tests/support/golden';
import { runButton, typeIds } from './support/page';

test('a defect that is chosen is armed, is blamed, and is taken out again; one that cannot be is refused at its field', async ({
  page,
}) => {
  await page.goto('/?model=sample/tiny-moe-6x16-Q4_K_M.gguf');
  await expect(page.locator('html')).toHaveAttribute('data-state', 'ready');
  await typeIds(page, '605, 432, 258');
  const field = page.getByRole('button', { name: /^defect on purpose/ });
  await field.click();
  const kind = page.getByRole('combobox', { name: 'Defect', exact: true });
  await kind.selectOption('scale-bitflip');
  await page.getByRole('textbox', { name: 'Defect bit' }).fill('11');
  await expect(page.getByRole('alert')).toContainText('a scale has mantissa bits 0 to 9');
  await expect(runButton(page)).toBeDisabled();
  await kind.selectOption('qtype-blind');
  await page.getByRole('textbox', { name: 'Defect layer' }).fill('2');
  await page.getByRole('combobox', { name: 'Defect tensor' }).selectOption('ffn_down_exps');
  await expect(field).toContainText('qtype-blind at layer 2, tensor=ffn_down_exps');
  const run = async () => {
    await runButton(page).click();
    await expect(page.locator('html')).toHaveAttribute('data-state', 'done', { timeout: 90_000 });
    return reportFromJson(JSON.stringify(await page.evaluate(() => window.moescope.report())));
  };
  const faulty = await run();
  expect(faulty.verdict.first).toMatchObject({
    layer: 2,
    stage: 'moe_expert_out',
    tensor: 'blk.2.ffn_down_exps.weight',
    qtype: 'Q6_K',
    hint: 'the values are those of the tensor read as Q4_K',
  });
  await expect(page.getByTestId('verdict')).toHaveText(faulty.verdict.sentence);
  expect(faulty.run.injected).toEqual([{ spec: 'qtype-blind@layer=2,tensor=ffn_down_exps', visible: true }]);
  // Blamed by its own inputs; its kernel was run once more on the reference's.
  expect(faulty.verdict.first?.mode).toBe('local');
  const inspector = page.getByTestId('inspector');
  await expect(inspector).toContainText('Fed the reference’s inputs it is wrong as well: it is the kernel.');
  await expect(inspector.getByRole('columnheader', { name: 'isolated' })).toBeVisible();
  await page.getByRole('button', { name: /No defect/ }).click();
  const clean = await run();
  expect(clean.verdict.status).toBe('match');
  expect(clean.run.inject).toBeUndefined();
});

test("the llama.cpp-like side runs against the reference, with the reference's experts, and takes no defects", async ({
  page,
}) => {
  const report = await traceModel(page, {
    file: SAMPLE_PATH,
    tokens: [605, 432, 258],
    engines: ['cpu-ggml', 'cpu'],
    routing: 'reference',
  });
  await page.getByRole('button', { name: /^defect on purpose/ }).click();
  await expect(page.getByText('choose the GPU as candidate')).toBeVisible();
  expect(report.run).toMatchObject({ arms: ['cpu-ggml', 'cpu'], routing: 'reference' });
  expect(report.adapter).toBeUndefined();
  expect(report.verdict.sentence).toMatch(/^MATCH: .*largest error 0\.\d+ x its bound/);
});

test('tokens behind the prompt are judged on request, and the page says which', async ({ page }) => {
  await page.goto('/?model=sample/tiny-moe-6x16-Q4_K_M.gguf');
  await expect(page.locator('html')).toHaveAttribute('data-state', 'ready');
  await typeIds(page, '605, 432, 258');
  const decode = page.getByRole('textbox', { name: /^Decoded tokens/ });
  await decode.fill('two');
  await expect(page.getByRole('alert')).toContainText('two is no number of tokens');
  await expect(runButton(page)).toBeDisabled();
  await decode.fill('2');
  await expect(page.getByRole('checkbox', { name: /^Thorough/ })).not.toBeChecked();
  await runButton(page).click();
  await expect(page.locator('html')).toHaveAttribute('data-state', 'done', { timeout: 90_000 });
  const report = reportFromJson(JSON.stringify(await page.evaluate(() => window.moescope.report())));
  expect(report.decoded?.map(({ position, status }) => [position, status])).toEqual([
    [3, 'match'],
    [4, 'match'],
  ]);
  await expect(page.getByTestId('verdict')).toContainText('2 decoded tokens agree');
  await page.getByRole('tab', { name: /^Next token/ }).click();
  const behind = page.getByRole('region', { name: 'Behind the prompt' });
  await expect(behind.getByRole('row')).toHaveCount(3);
  await expect(behind).toContainText(
    'tokens behind it, by the fast decoder: the engine is the faster one on a software adapter',
  );
});
