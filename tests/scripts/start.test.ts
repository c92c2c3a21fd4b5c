import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test, vi } from 'vitest';

const START = fileURLToPath(new URL('../../scripts/start.mjs', import.meta.url));

/** It builds the page when that has not been done. */
vi.setConfig({ testTimeout: 240_000 });

test('npm start prints the address of a page that is there, and ends with its server when told to', async () => {
  const child = spawn(process.execPath, [START, '--port', '0'], { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = new Promise<number | null>((done) => child.on('exit', done));
  const url = await new Promise<string>((done, reject) => {
    let text = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
      const found = /MoEscope is at (\S+)/.exec(text)?.[1];
      if (found !== undefined) done(found);
    });
    void ended.then((status) => {
      reject(new Error(`ended with ${String(status)}: ${text}`));
    });
  });
  const page = await fetch(url);
  expect(page.status).toBe(200);
  expect(page.headers.get('content-security-policy')).toContain("default-src 'none'");
  expect(await page.text()).toContain('<title>MoEscope</title>');
  const sample = await fetch(new URL('sample/tiny-moe-6x16-Q4_K_M.gguf', url), { headers: { range: 'bytes=0-3' } });
  expect(sample.status).toBe(206);
  expect(await sample.text()).toBe('GGUF');
  child.kill('SIGTERM');
  expect(await ended).toBe(0);
  await expect(fetch(url)).rejects.toThrow();
});
