import { readFileSync } from 'node:fs';
import { expect, test } from '@playwright/test';
import { goldenModelPath, SAMPLE_PATH } from '../tests/support/golden';
import { hostileModel } from '../tests/support/hostile-models';

const TENSOR = 'blk.1.ffn_down_exps.weight';
const good = readFileSync(goldenModelPath('mini-q4_k_m'));

/** The model with a tensor's ggml type number changed. The number follows name, dimension count (u32) and three dimensions (u64). */
function withType(type: number): Buffer {
  const bytes = Buffer.from(good);
  bytes.writeUInt32LE(type, bytes.indexOf(TENSOR) + TENSOR.length + 4 + 3 * 8);
  return bytes;
}

function withArchitecture(name: string): Buffer {
  const bytes = Buffer.from(good);
  bytes.write(name, bytes.indexOf('qwen3moe'));
  return bytes;
}

const WRONG = [
  [
    'a text file',
    'notes.txt',
    Buffer.from('Dear diary, today I traced a model.'),
    'gguf-not-gguf',
    ['notes.txt', 'GGUF'],
  ],
  ['a truncated model', 'cut.gguf', good.subarray(0, good.length - 100_000), 'gguf-truncated', ['blk.1.']],
  ['a header cut short', 'head.gguf', good.subarray(0, 2000), 'gguf-truncated', ['head.gguf']],
  ['another architecture', 'other.gguf', withArchitecture('deepseek'), 'gguf-architecture', ['deepseek', 'qwen3moe']],
  [
    'a type of another project',
    'iq4_ks.gguf',
    withType(144),
    'gguf-tensor-type',
    [TENSOR, 'IQ4_KS', 'ik_llama.cpp', 'Q4_K'],
  ],
  ['a type that nobody knows', 'new.gguf', withType(250), 'gguf-malformed', [TENSOR, '250']],
] as const;

for (const [what, name, buffer, code, words] of WRONG) {
  test(`${what} is refused with ${code}, and the page works on`, async ({ page }) => {
    const state = async (): Promise<string | undefined> => {
      const handle = await page.waitForFunction(() => {
        const now = document.documentElement.dataset['state'];
        return now === 'ready' || now === 'error' ? now : undefined;
      });
      return handle.jsonValue();
    };
    await page.goto('/');
    await page.locator('input[type="file"]').setInputFiles({ name, mimeType: 'application/octet-stream', buffer });
    expect(await state()).toBe('error');
    await expect(page.getByTestId('error-code')).toHaveText(code);
    for (const word of words) await expect(page.getByRole('alert')).toContainText(word);
    await page.locator('input[type="file"]').setInputFiles(SAMPLE_PATH);
    await expect(page.getByTestId('error-code')).toHaveCount(0);
    expect(await state()).toBe('ready');
  });
}

test('names of a million letters neither freeze the page nor run over its edges', async ({ page }) => {
  const endless = 'A'.repeat(1_000_000);
  const overflow = () => page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  const open = async (strings: Readonly<Record<string, string>>): Promise<void> => {
    const buffer = Buffer.from(hostileModel({ strings }));
    await page
      .locator('input[type="file"]')
      .setInputFiles({ name: `${'b'.repeat(200)}.gguf`, mimeType: 'application/octet-stream', buffer });
  };
  await page.goto('/');
  await open({ 'general.name': endless });
  const name = page.getByText(/^b{160}\.\.\. \(45 more characters\)$/).first();
  await expect(name).toBeAttached();
  expect(await overflow()).toBeLessThanOrEqual(0);
  expect((await page.locator('body').innerText()).length).toBeLessThan(20_000);
  await open({ 'general.architecture': endless });
  await expect(page.getByTestId('error-code')).toHaveText('gguf-architecture');
  await expect(page.getByRole('alert')).toContainText('characters left out');
  expect(await overflow()).toBeLessThanOrEqual(0);
  expect((await page.locator('body').innerText()).length).toBeLessThan(20_000);
});
