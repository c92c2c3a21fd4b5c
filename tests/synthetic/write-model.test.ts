import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { nodeSource } from '../../src/gguf/node-source';
import { openModel } from '../../src/gguf/open-model';
import { allPartNames } from '../../src/gguf/split-names';
import { ggufBytes, layoutGguf } from '../../src/gguf/writer';
import { readHParams } from '../../src/model/read-hparams';
import { checkWeights } from '../../src/model/bound-weights';
import { modelToWrite } from '../../src/synthetic/model-to-write';
import { splitModel } from '../../src/synthetic/split';
import { writeError } from '../../src/synthetic/write-error';
import { writeModelFiles } from '../../src/synthetic/write-model';
import { openMade, recipeOf } from './support';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'moescope-write-'));
});
afterAll(async () => {
  await rm(folder, { recursive: true });
});

const path = (name: string): string => join(folder, name);
const model = modelToWrite(recipeOf());

describe('writing', () => {
  it('gives the bytes that are made in memory', async () => {
    const bytes = await writeModelFiles([{ path: path('whole.gguf'), file: model }]);
    const written = await readFile(path('whole.gguf'));
    expect(written).toHaveLength(bytes);
    expect(written.equals(ggufBytes(model))).toBe(true);
  });

  it('says how far it is', async () => {
    const seen: [number, number][] = [];
    const bytes = await writeModelFiles([{ path: path('progress.gguf'), file: model }], {
      onProgress: (done, total) => seen.push([done, total]),
    });
    expect(seen.length).toBeGreaterThan(20);
    expect(seen.every(([done, total], i) => total === bytes && done > (seen[i - 1]?.[0] ?? 0))).toBe(true);
    expect(seen.at(-1)?.[0]).toBeGreaterThan(bytes - 32);
  });

  it('leaves a file that is there as it is, unless forced', async () => {
    await writeFile(path('mine.gguf'), 'precious');
    const files = [
      { path: path('new.gguf'), file: model },
      { path: path('mine.gguf'), file: model },
    ];
    await expect(writeModelFiles(files)).rejects.toMatchObject({
      code: 'usage',
      remedy: expect.stringContaining('--force'),
    });
    expect(await readFile(path('mine.gguf'), 'utf8')).toBe('precious');
    expect(await readdir(folder)).not.toContain('new.gguf');
    await writeModelFiles(files, { force: true });
    expect((await stat(path('mine.gguf'))).size).toBe(layoutGguf(model).bytes);
  });

  it('removes what is not finished when it is interrupted', async () => {
    const controller = new AbortController();
    const writing = writeModelFiles([{ path: path('stopped.gguf'), file: model }], {
      signal: controller.signal,
      onProgress: (done, total) => {
        if (done > total / 2) controller.abort();
      },
    });
    await expect(writing).rejects.toMatchObject({ code: 'run-cancelled' });
    expect(await readdir(folder)).not.toContain('stopped.gguf');
  });

  it.each(['missing/model.gguf', '.'])('says that %s cannot be written', async (name) => {
    await expect(writeModelFiles([{ path: path(name), file: model }], { force: true })).rejects.toMatchObject({
      code: 'usage',
      message: expect.stringContaining(path(name)),
    });
  });

  it('refuses a device, which could be neither cut to size nor removed', async () => {
    await expect(writeModelFiles([{ path: '/dev/null', file: model }], { force: true })).rejects.toMatchObject({
      code: 'usage',
      message: expect.stringContaining('regular file'),
    });
    expect((await stat('/dev/null')).isCharacterDevice()).toBe(true);
  });

  it('says how much room a full disk lacks', () => {
    const full = Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
    expect(writeError('/data/big.gguf', full, 18_555_118_528)).toMatchObject({
      code: 'usage',
      message: expect.stringMatching(/no room for \/data\/big\.gguf.*18\.6 GB/),
      remedy: expect.stringContaining('space'),
      detail: { needed: 18_555_118_528 },
    });
  });
});

describe('splitting', () => {
  it.each([1, 2, 3, 27])('into %d parts opens as the same model', async (count) => {
    const names = allPartNames(`split${count}-00001-of-${String(count).padStart(5, '0')}.gguf`);
    const files = splitModel(model, count).map((file, i) => ({ path: path(names[i] ?? ''), file }));
    await writeModelFiles(files);
    const split = await openModel(await Promise.all(names.toReversed().map((name) => nodeSource(path(name)))));
    const hparams = readHParams(split);
    checkWeights(split, hparams);
    const whole = await openMade();
    expect([...split.tensors.keys()]).toEqual([...whole.tensors.keys()]);
    for (const [name, tensor] of whole.tensors) {
      const counterpart = split.tensors.get(name);
      if (counterpart === undefined) throw new Error(`no ${name}`);
      const bytes = await split.readTensor(counterpart, 0, counterpart.bytes);
      expect(Buffer.compare(bytes, await whole.readTensor(tensor, 0, tensor.bytes)), name).toBe(0);
    }
    await split.close();
  });

  it('makes parts of about equal size', () => {
    const big = modelToWrite(recipeOf({ shape: 'qwen3-30b-a3b' }));
    const sizes = splitModel(big, 4).map((file) => layoutGguf(file).bytes);
    for (const size of sizes) expect(Math.abs(size / 4_638_000_000 - 1)).toBeLessThan(0.06);
  });

  it('refuses more parts than tensors', () => {
    expect(() => splitModel(model, 28)).toThrow(expect.objectContaining({ code: 'usage' }));
  });
});
