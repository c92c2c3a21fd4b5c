import { openAsBlob } from 'node:fs';
import { appendFile, mkdtemp, rename, rm, stat, truncate, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { blobSource } from '../../src/gguf/blob-source';
import type { ByteSource } from '../../src/gguf/byte-source';
import { memorySource } from '../../src/gguf/memory-source';
import { nodeSource } from '../../src/gguf/node-source';
import { openSource } from '../../src/gguf/open-source';
import { codeOf, tracerErrorOf } from '../support/errors';

const BYTES = Uint8Array.from({ length: 5000 }, (_, i) => (i * 13) & 255);

let folder: string;
let path: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'moescope-sources-'));
  path = join(folder, 'model.gguf');
  await writeFile(path, BYTES);
});

afterEach(async () => {
  await rm(folder, { recursive: true });
});

const KINDS: readonly (readonly [string, () => Promise<ByteSource>])[] = [
  ['memory', () => Promise.resolve(memorySource(BYTES, 'model.gguf'))],
  ['blob', () => Promise.resolve(blobSource(new File([BYTES], 'model.gguf')))],
  ['path', () => nodeSource(path)],
];

describe.each(KINDS)('%s source', (_kind, open) => {
  it('serves exact slices, each its own copy', async () => {
    const source = await open();
    expect(source.name).toBe('model.gguf');
    expect(source.size).toBe(5000);
    const first = await source.read(100, 50);
    expect(first).toEqual(BYTES.slice(100, 150));
    first.fill(0);
    expect(await source.read(100, 50)).toEqual(BYTES.slice(100, 150));
    expect(await source.read(0, 5000)).toEqual(BYTES);
    expect(await source.read(5000, 0)).toEqual(new Uint8Array(0));
    expect((await source.read(3, 2)).buffer.byteLength).toBe(2);
    await source.close();
  });

  it.each([
    [4999, 2],
    [-1, 1],
    [0, -1],
    [1.5, 1],
    [0, NaN],
    [2 ** 53, 1],
    [Infinity, 1],
  ])('refuses offset %d length %d', async (offset, length) => {
    const source = await open();
    expect(await codeOf(() => source.read(offset, length))).toBe('source-read');
    await source.close();
  });

  it('honours abort', async () => {
    const source = await open();
    expect(await codeOf(() => source.read(0, 10, AbortSignal.abort()))).toBe('run-cancelled');
    expect(await source.read(0, 1, new AbortController().signal)).toEqual(BYTES.slice(0, 1));
    await source.close();
  });

  it('opens again from its descriptor', async () => {
    const source = await open();
    const { descriptor } = source;
    // A blob's clone is a blob of the same bytes; Node's structuredClone takes it as it is.
    const again = await openSource(descriptor, { openPath: nodeSource });
    expect(again.name).toBe(source.name);
    expect(await again.read(7, 7)).toEqual(BYTES.slice(7, 14));
    await Promise.all([source.close(), again.close()]);
  });
});

describe('memory and path descriptors', () => {
  it('survive structured cloning', async () => {
    const source = await nodeSource(path);
    expect(structuredClone(source.descriptor)).toMatchObject({ kind: 'path', path });
    expect(structuredClone(memorySource(BYTES).descriptor)).toEqual({ kind: 'memory', name: 'memory', bytes: BYTES });
    await source.close();
  });

  it('a path without an opener is refused, as in a page', async () => {
    expect(await codeOf(() => openSource({ kind: 'path', path }))).toBe('source-read');
  });
});

describe('blob source', () => {
  it('notices that the file behind it changed', async () => {
    const source = blobSource(await openAsBlob(path), 'model.gguf');
    expect(await source.read(0, 4)).toEqual(BYTES.slice(0, 4));
    await appendFile(path, 'more');
    const error = await tracerErrorOf(() => source.read(0, 4));
    expect(error.code).toBe('source-changed');
    expect(error.message).toContain('model.gguf');
  });

  it('notices that the file behind it is gone', async () => {
    const source = blobSource(await openAsBlob(path), 'model.gguf');
    await rm(path);
    expect(await codeOf(() => source.read(0, 4))).toBe('source-changed');
    await writeFile(path, BYTES);
  });

  it('a read that comes back short is a change, any other failure a read error', async () => {
    const short = new Blob([BYTES]);
    short.slice = () => new Blob([BYTES.subarray(0, 2)]);
    expect(await codeOf(() => blobSource(short, 'short').read(0, 4))).toBe('source-changed');
    const failing = new Blob([BYTES]);
    failing.slice = () => {
      const slice = new Blob([]);
      slice.arrayBuffer = () => Promise.reject(new DOMException('out of memory', 'UnknownError'));
      return slice;
    };
    const error = await tracerErrorOf(() => blobSource(failing, 'failing').read(0, 4));
    expect(error.code).toBe('source-read');
    expect(error.message).toContain('out of memory');
  });

  it('gives up waiting when it is aborted during a read', async () => {
    const slow = new Blob([BYTES]);
    slow.slice = () => {
      const slice = new Blob([]);
      slice.arrayBuffer = () => new Promise(() => undefined);
      return slice;
    };
    expect(await codeOf(() => blobSource(slow, 'slow').read(0, 4, AbortSignal.timeout(20)))).toBe('run-cancelled');
  });
});

describe('path source', () => {
  it.each([
    ['grown', () => appendFile(path, 'x')],
    ['shrunk', () => truncate(path, 4000)],
    ['written to', () => utimes(path, new Date(), new Date(2001, 1, 1))],
    [
      'written to, with its time of writing set back',
      async () => {
        const { atime, mtime } = await stat(path);
        await writeFile(path, BYTES.toReversed());
        await utimes(path, atime, mtime);
      },
    ],
  ])('notices a file that was %s', async (_how, change) => {
    const source = await nodeSource(path);
    expect(await source.read(0, 4)).toEqual(BYTES.slice(0, 4));
    await change();
    expect(await codeOf(() => source.read(0, 4))).toBe('source-changed');
    await source.close();
  });

  it.each([
    ['replaced', () => writeFile(`${path}.new`, new Uint8Array(5000)).then(() => rename(`${path}.new`, path))],
    ['deleted', () => rm(path)],
  ])('notices a file that was %s although its handle still reads', async (_how, change) => {
    const source = await nodeSource(path);
    expect(await source.read(0, 4)).toEqual(BYTES.slice(0, 4));
    await change();
    expect(await codeOf(() => source.read(0, 4))).toBe('source-changed');
    await source.close();
  });

  it.each([
    ['a missing file', () => join(folder, 'absent.gguf')],
    ['a folder', () => folder],
  ])('refuses %s by name', async (_what, target) => {
    const error = await tracerErrorOf(() => nodeSource(target()));
    expect(error.code).toBe('source-read');
    expect(error.message).toContain(target());
  });

  it('reads into memory that it is given, and lets a read end before it closes', async () => {
    const source = await nodeSource(path);
    const memory = new Uint8Array(60);
    const into = memory.subarray(4, 54);
    expect(await source.read(100, 50, undefined, into)).toBe(into);
    expect(into).toEqual(BYTES.slice(100, 150));
    expect([memory[3], memory[54]]).toEqual([0, 0]);
    // Memory of another length is not touched.
    expect((await source.read(0, 5, undefined, into)).length).toBe(5);
    expect(into).toEqual(BYTES.slice(100, 150));
    const [late] = await Promise.all([source.read(0, 5000), source.close()]);
    expect(late).toEqual(BYTES);
  });

  it('can be closed twice, and refuses to read then', async () => {
    const source = await nodeSource(path);
    await source.close();
    await source.close();
    expect(await codeOf(() => source.read(0, 4))).toBe('source-read');
  });
});
