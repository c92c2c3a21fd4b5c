import { mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { seededRandom } from '../../src/base/random';
import { isGone, PROCESS_NAME, whileLocked } from '../../src/cli/trace/folder-lock';
import { treeFolder } from '../../src/cli/trace/tree-folder';
import { unfinishedIndex } from '../../src/trace/trace-files';

let root = '';
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'moescope-two-'));
});
afterEach(async () => {
  await rm(root, { recursive: true });
});

const ARMS = ['gpu', 'gpu-isolated', 'cpu'];
const FILES = ARMS.flatMap((engine) => ['layer-0/a.bin', 'layer-1/a.bin', 'b.bin'].map((file) => `${engine}/${file}`));
const bytes = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text);

/** Writes a tree whose every file says whose it is, with pauses at random. */
async function writeTree(name: string, seed: number, fails = false): Promise<void> {
  const random = seededRandom(seed);
  const pause = (): Promise<unknown> => new Promise((done) => setTimeout(done, random.below(8)));
  const tree = treeFolder(root, 'trace.json');
  try {
    for (const file of FILES) {
      await tree.write(file, bytes(name));
      await pause();
    }
    if (fails) return;
    await tree.finish(async () => {
      await pause();
      await tree.write('trace.json', bytes(name));
      return [];
    });
  } finally {
    await tree.close();
  }
}

async function whatIsThere(): Promise<ReadonlySet<string>> {
  const names = [...FILES, 'trace.json'];
  return new Set(await Promise.all(names.map((file) => readFile(join(root, file), 'utf8'))));
}

test.each(Array.from({ length: 8 }, (_, i) => i))(
  'of two runs into one folder one is there, whole (%d)',
  async (seed) => {
    await Promise.all([writeTree('first', seed), writeTree('second', seed + 100)]);
    const there = await whatIsThere();
    expect(there.size).toBe(1);
    // Nothing is left of the way there.
    expect((await readdir(root)).sort()).toEqual([...ARMS, 'trace.json'].sort());
  },
);

test.each([1, 2, 3])('a run that fails takes nothing from the one beside it (%d)', async (seed) => {
  await Promise.all([writeTree('whole', seed), writeTree('failed', seed + 50, true)]);
  expect([...(await whatIsThere())]).toEqual(['whole']);
  expect(await readdir(root)).toHaveLength(ARMS.length + 1);
});

test('two that fail leave nothing', async () => {
  await Promise.all([writeTree('a', 1, true), writeTree('b', 2, true)]);
  expect(await readdir(root)).toEqual([]);
});

test('what killed runs left is removed, and what living ones write is not', async () => {
  const host = hostname().replace(/[^\w.-]+/g, '-');
  // No process has this number: it is above what Linux gives.
  const dead = `${host}-4194305-00000000`;
  expect(isGone(dead)).toBe(true);
  expect([PROCESS_NAME, 'elsewhere-4194305-00000000', `${host}-1-00000000`, 'x'].map(isGone)).toEqual([
    false,
    false,
    false,
    false,
  ]);
  for (const name of ['.unfinished', `.unfinished-0.${dead}`, '.unfinished-0.elsewhere-4194305-00000000', '.writing']) {
    await mkdir(join(root, name, 'gpu'), { recursive: true });
  }
  await writeFile(join(root, '.writing/owner'), dead);
  await writeFile(join(root, 'trace.json'), unfinishedIndex());
  await writeTree('new', 3);
  expect((await readdir(root)).sort()).toEqual(
    ['.unfinished-0.elsewhere-4194305-00000000', ...ARMS, 'trace.json'].sort(),
  );
});

test('one at a time does its work, and a lock without an owner is waited for, but not for ever', async () => {
  let inside = 0;
  let most = 0;
  const work = async (): Promise<void> => {
    most = Math.max(most, ++inside);
    await new Promise((done) => setTimeout(done, 5));
    inside--;
  };
  await Promise.all(Array.from({ length: 6 }, () => whileLocked(root, work)));
  expect(most).toBe(1);
  await mkdir(join(root, '.writing'));
  const old = new Date(Date.now() - 60_000);
  await utimes(join(root, '.writing'), old, old);
  await whileLocked(root, work);
  expect(await readdir(root)).toEqual([]);
});
