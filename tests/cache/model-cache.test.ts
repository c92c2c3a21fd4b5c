import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { forgetModel, cachedModels, openCachedModel, type HttpDescriptor } from '../../src/cache/model-cache';
import { memoryOpfs } from '../support/memory-opfs';

const MODEL: HttpDescriptor = { kind: 'http', url: 'https://host.example/a%20b.gguf', size: 1000, etag: '"1"' };
const OTHER: HttpDescriptor = { ...MODEL, url: 'https://host.example/other.gguf' };

let quota: number;

beforeEach(() => {
  quota = 1e6;
  vi.stubGlobal(
    'navigator',
    memoryOpfs(() => quota),
  );
});
afterEach(() => {
  vi.unstubAllGlobals();
});

/** Opens, writes `length` bytes and closes. */
async function keep(file: HttpDescriptor, length: number): Promise<void> {
  const store = await openCachedModel(file);
  if (store === undefined) throw new Error('no store');
  store.write(0, new Uint8Array(length).fill(7));
  store.close();
}

async function bytesKept(file: HttpDescriptor): Promise<number | undefined> {
  const store = await openCachedModel(file);
  store?.close();
  return store?.bytes;
}

describe('kept models', () => {
  it('are found again by their address, and listed, last used first', async () => {
    await keep(MODEL, 300);
    vi.setSystemTime(Date.now() + 1000);
    await keep(OTHER, 200);
    expect(await bytesKept(MODEL)).toBe(300);
    expect((await cachedModels()).map(({ url, bytes, size }) => [url, bytes, size])).toEqual([
      [MODEL.url, 300, 1000],
      [OTHER.url, 200, 1000],
    ]);
    vi.useRealTimers();
  });

  it('are recorded without what opens doors, and named without what would be obeyed', async () => {
    const url = 'https://host.example/%1b%5b2J%e2%80%aegpj.gguf?sig=SECRET';
    await keep({ ...MODEL, url }, 1);
    const [model] = await cachedModels();
    expect(JSON.stringify(model)).not.toMatch(/SECRET|\\u001b|\u202e/);
    expect(model?.name).toBe('\\x1b[2J\\u202egpj.gguf');
    expect(await bytesKept({ ...MODEL, url })).toBe(1);
  });

  it('are listed by a short name, however long the address is', async () => {
    await keep({ ...MODEL, url: `https://host.example/${'a'.repeat(100_000)}` }, 1);
    expect((await cachedModels())[0]?.name).toMatch(/^a{160}\.\.\. \(99840 more characters\)$/);
  });

  it.each([
    ['ETag', { etag: '"2"' }],
    ['size', { size: 1001 }],
    ['date', { lastModified: 'Thu, 26 Nov 2026 08:00:00 GMT' }],
  ])('start afresh when the %s has changed', async (_what, change) => {
    await keep(MODEL, 300);
    expect(await bytesKept({ ...MODEL, ...change })).toBe(0);
    expect(await bytesKept(MODEL)).toBe(0);
  });

  it('are none for a server that does not say when a file changes', async () => {
    const { kind, url, size } = { ...MODEL, size: 1000 };
    expect(await openCachedModel({ kind, url, size })).toBeUndefined();
    expect(await cachedModels()).toEqual([]);
  });

  it('make room for another, the oldest first, and only when there is none', async () => {
    await keep(OTHER, 900);
    await keep(MODEL, 300);
    expect(await cachedModels()).toHaveLength(2);
    quota = 2000;
    const third = { ...MODEL, url: 'https://host.example/third.gguf' };
    await keep(third, 900);
    expect((await cachedModels()).map((model) => model.url)).not.toContain(OTHER.url);
    expect(await bytesKept(third)).toBe(900);
  });

  it('take no more than a share of the quota', async () => {
    quota = 500;
    const store = await openCachedModel(MODEL);
    store?.write(0, new Uint8Array(300));
    store?.write(300, new Uint8Array(300));
    expect([store?.bytes, store?.full]).toEqual([300, 'limit']);
    store?.close();
  });

  it('cannot be opened twice at a time; the second reads from the network', async () => {
    const first = await openCachedModel(MODEL);
    expect(await openCachedModel(MODEL)).toBeUndefined();
    first?.close();
    const again = await openCachedModel(MODEL);
    expect(again).toBeDefined();
    again?.close();
  });

  it('are forgotten even while they are open: their reader lets go', async () => {
    const store = await openCachedModel(MODEL);
    store?.write(0, new Uint8Array(300));
    const [model] = await cachedModels();
    await forgetModel(model?.key ?? '');
    expect(await cachedModels()).toEqual([]);
    expect(store?.kept({ offset: 0, length: 300 })).toEqual([]);
    await forgetModel(model?.key ?? '');
  });

  it('are none without a private file system', async () => {
    vi.stubGlobal('navigator', {});
    expect(await cachedModels()).toEqual([]);
    expect(await openCachedModel(MODEL)).toBeUndefined();
    await forgetModel('any');
  });
});
