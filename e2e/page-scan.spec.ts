import { readFileSync } from 'node:fs';
import { expect, test, type Page } from '@playwright/test';
import { memorySource } from '../src/gguf/memory-source';
import { openModel } from '../src/gguf/open-model';
import { goldenModelPath } from '../tests/support/golden';
import { audit } from './support/audit';

const NAN = 'blk.1.ffn_gate_exps.weight';
const BLANK = 'blk.0.ffn_up_exps.weight';
const EXPERT = 2;

/** A sound model with one scale of an expert NaN, and another tensor's expert blank. */
async function damaged(): Promise<Buffer> {
  const bytes = new Uint8Array(readFileSync(goldenModelPath('mini-q4_k_m')));
  const { tensors } = await openModel([memorySource(bytes, 'm.gguf')]);
  const expertOf = (name: string): Uint8Array => {
    const tensor = tensors.get(name);
    if (tensor === undefined) throw new Error(name);
    const size = tensor.bytes / (tensor.dims[2] ?? 1);
    return bytes.subarray(tensor.offset + EXPERT * size, tensor.offset + (EXPERT + 1) * size);
  };
  // The f16 scale that a Q4_K block begins with.
  expertOf(NAN).set([0x00, 0x7e]);
  expertOf(BLANK).fill(0);
  return Buffer.from(bytes);
}

async function openFile(page: Page, buffer: Buffer): Promise<void> {
  await page.goto('./');
  await page.locator('input[type=file]').first().setInputFiles({ name: 'damaged.gguf', mimeType: '', buffer });
  await page.waitForFunction(() => document.documentElement.dataset['state'] === 'ready');
  await page.keyboard.press('Control+k');
  await page.keyboard.type('The open model');
  await page.keyboard.press('Enter');
}

test('the file card reads every block when asked, and names what is damaged by tensor and expert', async ({ page }) => {
  await openFile(page, await damaged());
  const dialog = page.getByRole('dialog', { name: 'The open model' });
  await expect(dialog.getByTestId('scan-findings')).toHaveCount(0);
  await dialog.getByRole('button', { name: 'Scan' }).click();
  await expect(dialog.getByRole('status')).toContainText('findings. This file is damaged.', { timeout: 60_000 });
  const found = dialog.getByTestId('scan-findings');
  await expect(found.getByRole('row', { name: new RegExp(`${NAN} NaN ${String(EXPERT)} 1 of`) })).toBeVisible();
  await expect(found.getByRole('row', { name: new RegExp(`${BLANK} all zero ${String(EXPERT)}`) })).toBeVisible();
  await audit(page, 'file card, scanned', { only: 'dialog' });
});

test('a scan is cancelled at once, and the model is as it was', async ({ page }) => {
  await openFile(page, await damaged());
  const dialog = page.getByRole('dialog', { name: 'The open model' });
  // Both clicks in one task: the scan of a small file would be over before a second one came.
  await page.evaluate(() => {
    const press = (name: string): void => {
      const all = [...document.querySelectorAll<HTMLButtonElement>(":is(dialog, [role='dialog']) .scan button")];
      all.find((button) => button.textContent === name)?.click();
    };
    const watch = new MutationObserver(() => {
      press('Cancel');
    });
    watch.observe(document.body, { childList: true, subtree: true });
    press('Scan');
  });
  await expect(dialog.getByRole('button', { name: 'Scan' })).toBeEnabled();
  await expect(dialog.getByTestId('scan-findings')).toHaveCount(0);
});

for (const [what, from, to, said] of [
  ['another architecture', 'qwen3moe', 'deepseek', 'holds a model of architecture deepseek'],
  ['a tensor that is missing', 'blk.1.attn_norm.weight', 'blk.1.attn_gone.weight', 'blk.1.attn_norm.weight'],
] as const) {
  test(`${what}: the page shows what the header says, and what stands in the way`, async ({ page }) => {
    const buffer = readFileSync(goldenModelPath('mini-q4_k_m'));
    buffer.write(to, buffer.indexOf(from));
    await page.goto('./');
    await page.locator('input[type=file]').first().setInputFiles({ name: 'other.gguf', mimeType: '', buffer });
    await page.waitForFunction(() => document.documentElement.dataset['state'] === 'error');
    await page.getByRole('button', { name: 'What the file says' }).click();
    const dialog = page.getByRole('dialog', { name: 'A file that does not run' });
    await expect(dialog).toContainText(said);
    await expect(dialog.getByRole('region', { name: 'Every key' })).toContainText('general.architecture');
    await expect(dialog.getByRole('region', { name: 'Every tensor' })).toContainText('token_embd.weight');
    await audit(page, 'a file that does not run', { only: 'dialog' });
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: 'Dismiss' }).click();
    await expect(page.getByRole('button', { name: 'What the file says' })).toHaveCount(0);
  });
}
