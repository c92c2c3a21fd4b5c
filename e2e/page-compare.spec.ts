import { expect, test, type Page } from '@playwright/test';
import { stageSpec } from '../src/model/stages';
import { createTrace, type Provenance } from '../src/trace/trace';
import { tracesToFiles } from '../src/trace/trace-files';
import { encodeNpy } from '../src/trace/npy';
import { writeZip } from '../src/trace/zip';
import { captureOf } from '../tests/support/captures';
import { reportToJson } from '../src/divergence/report-json';
import { generateReport } from '../tests/support/reports';
import { audit } from './support/audit';
import { dropFiles, healthy, pageState, runButton, typeIds } from './support/page';

/** A trace of two stages of one layer; `value` is its third number. */
function archive(provenance: Partial<Provenance>, value: number, withOut = true): Uint8Array {
  const router = captureOf('moe_router', 0, [2, 2], [0.7, 0.3, value, 0.4]);
  const out = captureOf('moe_ffn_out', 0, [2, 2], [1, 2, 3, 4]);
  const full = {
    arm: 'gpu',
    mode: 'free',
    modelName: 'Other',
    headerSha256: 'bb',
    tokens: [1, 2],
    ...provenance,
  } as const;
  return writeZip(tracesToFiles([createTrace(full, withOut ? [router, out] : [router])], 'npy'));
}

const button = (page: Page, name: string) => page.getByRole('button', { name, exact: true });

test('two files in one drop are compared at once, in the sentence of a live run; what one lacks is shown', async ({
  page,
}) => {
  await page.goto('/');
  await dropFiles(page, [
    { name: 'mine.npz', bytes: archive({}, 0.1) },
    { name: 'theirs.npz', bytes: archive({ arm: 'cpu' }, 0.6, false) },
  ]);
  await expect(page.getByText('gpu of mine.npz against cpu of theirs.npz', { exact: true })).toBeVisible();
  await expect(page.getByTestId('verdict')).toHaveText(/^DIVERGED: first at layer 0, moe_router, token 1/);
  // Nothing was judged alone: the two part, and nobody is blamed.
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('The two part at layer 0, at MoeRouter.');
  await expect(page.getByRole('figure', { name: /^MoeRouter, free-running relative L2/ })).toBeVisible();
  await expect(page.getByText(/first wrong|culprit/i)).toHaveCount(0);
  await page.keyboard.press('5');
  const missing = page
    .getByRole('row', { name: new RegExp(`^${stageSpec('moe_ffn_out').title}`) })
    .getByTitle('captured on one side only');
  await expect(missing.first()).toBeVisible();
  await audit(page, 'comparison');
  // Its picture can be shared like any other.
  await page.keyboard.press('s');
  await expect(page.locator('.preview svg')).toBeVisible();
  await page.keyboard.press('Escape');
  await page.keyboard.press('b');
  await expect(page.getByTestId('verdict')).toHaveText(/^NOT FINITE/);
});

test('one file waits for its other side: this run; another model is told, and compared where someone insists', async ({
  page,
}) => {
  await healthy(page);
  await typeIds(page, '420, 327');
  await runButton(page).click();
  expect(await pageState(page, 'done', 'error')).toBe('done');
  await dropFiles(page, [{ name: 'theirs.npz', bytes: archive({ arm: 'mine' }, 0.6) }]);
  const dialog = page.getByRole('dialog', { name: 'Compare two traces' });
  await expect(dialog).toBeVisible();
  await expect(dialog.getByRole('radio', { name: /mine of theirs\.npz/ }).first()).toBeChecked();
  await expect(dialog.getByRole('radio', { name: /cpu of this run/ }).last()).toBeChecked();
  await button(page, 'Compare').click();
  await expect(page.getByTestId('compare-error')).toHaveText('trace-mismatch');
  await dialog.getByRole('checkbox', { name: /Only what both hold/ }).check();
  await button(page, 'Compare').click();
  await expect(page.getByTestId('compare-error')).toHaveText('trace-mismatch');
  await button(page, 'Compare anyway').click();
  // Two numbers a token against the sample's sixteen experts' four: the shapes say that these cannot be compared.
  await expect(page.getByTestId('compare-error').or(page.getByRole('list', { name: 'Notes' }))).toBeVisible();
});

test('a dump by ggml names, dropped file by file, is one trace', async ({ page }) => {
  await page.goto('/');
  const array = (values: readonly number[]) =>
    encodeNpy({ type: 'f4', shape: [1, values.length], data: Float32Array.from(values) });
  await dropFiles(page, [
    { name: 'ffn_moe_out-0.npy', bytes: array([1, 2]) },
    { name: 'attn_norm-0.npy', bytes: array([3, 4]) },
  ]);
  const dialog = page.getByRole('dialog', { name: 'Compare two traces' });
  await expect(dialog).toBeVisible();
  await expect(dialog.getByText('2 tensors').first()).toBeVisible();
});

test('a damaged trace is told by code, and the page works on', async ({ page }) => {
  await page.goto('/');
  await dropFiles(page, [{ name: 'cut.npz', bytes: archive({}, 0.6).slice(0, 300) }]);
  await expect(page.getByTestId('error-code')).toHaveText('trace-format');
  await expect(page.getByRole('alert')).toContainText('cut.npz');
  await button(page, 'Dismiss').click();
  await expect(page.getByTestId('verdict')).toHaveText(/^NOT FINITE/);
});

test('a report of a model that is not here brings its own prompt, and nothing else can be run beside it', async ({
  page,
}) => {
  await page.goto('/');
  await expect(page.getByTestId('verdict')).toHaveText(/^NOT FINITE/);
  const report = generateReport({ kind: 'qtype-blind', nLayer: 12, nTokens: 9 });
  const bytes = new TextEncoder().encode(reportToJson(report));
  await dropFiles(page, [{ name: 'h200.json', bytes }]);
  const bar = page.getByRole('region', { name: 'Run', exact: true });
  await expect(bar).toContainText('Prompt, 9 tokens');
  await expect(bar).toContainText(report.run.prompt ?? '');
  await expect(bar).not.toContainText('The cat sat');
  await expect(bar.getByRole('textbox')).toHaveCount(0);
  await expect(bar.getByRole('button', { name: 'Drop the GGUF to run it here' })).toBeVisible();
});

test('two reports in one drop stand side by side, and either can be opened', async ({ page }) => {
  await page.goto('/');
  await expect(page.getByTestId('verdict')).toBeVisible();
  const files = (['clean', 'qtype-blind'] as const).map((kind) => ({
    name: `${kind}.json`,
    bytes: new TextEncoder().encode(reportToJson(generateReport({ kind }))),
  }));
  await dropFiles(page, files);
  const dialog = page.getByRole('dialog', { name: 'Two reports, side by side' });
  await expect(dialog.getByTestId('pair-summary')).toContainText('The same model and the same prompt.');
  await expect(dialog.getByText(/^MATCH: /)).toBeVisible();
  await expect(dialog.getByText(/^DIVERGED: first at layer 2/)).toBeVisible();
  // A map on both sides.
  await expect(dialog.getByRole('img', { name: /^Map of qtype-blind\.json: Diverged at layer 2/ })).toBeVisible();
  await expect(dialog.getByRole('img', { name: /^Map of clean\.json: Match/ })).toBeVisible();
  await expect(dialog.getByRole('row', { name: /^MoeExpertOut/ })).toBeVisible();
  await audit(page, 'side by side', { only: 'dialog' });
  await dialog.getByRole('button', { name: 'Open qtype-blind.json' }).click();
  await expect(page.getByTestId('verdict')).toHaveText(/^DIVERGED: first at layer 2/);
  await expect(dialog).toHaveCount(0);
});
