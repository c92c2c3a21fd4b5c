import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeSparseModel } from '../support/gguf-models';
import { peakResidentBytes } from '../support/memory-watch';
import { BUILT_CLI } from './built-cli';

const GIB = 2 ** 30;
let folder: string;
let path: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'moescope-large-'));
  path = join(folder, 'large.gguf');
  await makeSparseModel(path, { seed: 5, type: 'Q8_0' });
});
afterAll(() => rm(folder, { recursive: true }));

describe('a model above 4 GiB', () => {
  it('is traced on both engines by a process that never holds 1 GiB', async () => {
    expect((await stat(path)).size).toBeGreaterThan(4 * GIB);
    const child = spawn(process.execPath, [BUILT_CLI, 'trace', path, '--tokens', '1,2,3', '--quiet'], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    let out = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      out += text;
    });
    let peak = 0;
    const watch = setInterval(() => {
      if (child.pid !== undefined) peak = Math.max(peak, peakResidentBytes(child.pid) ?? 0);
    }, 20);
    const [status] = await once(child, 'close');
    clearInterval(watch);
    expect(out).toMatch(/^MATCH: 2 layers, 27 stages, 3 tokens agree/);
    expect(status).toBe(0);
    expect(peak).toBeGreaterThan(0);
    expect(peak).toBeLessThan(GIB);
  });
});
