import { mkdtemp, mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startStaticServer, type StaticServer } from '../../src/cli/serve/static-server';

const BYTES = Uint8Array.from({ length: 1000 }, (_, i) => i % 251);

let base: string;
let server: StaticServer;

beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), 'moescope-serve-'));
  await mkdir(join(base, 'page', 'assets'), { recursive: true });
  await writeFile(join(base, 'secret.txt'), 'outside');
  await writeFile(join(base, 'page', 'index.html'), '<!doctype html><title>page</title>');
  await writeFile(join(base, 'page', 'empty.txt'), '');
  await writeFile(join(base, 'page', 'assets', 'a.wasm'), BYTES);
  await writeFile(join(base, 'page', 'model.gguf'), BYTES);
  const rules = "# comment\n/*\n  Content-Security-Policy: default-src 'self'\n/assets/*\n  Cache-Control: immutable\n";
  await writeFile(join(base, 'page', '_headers'), rules);
  server = await startStaticServer({ folder: join(base, 'page'), host: 'localhost', port: 0 });
});

afterAll(async () => {
  await server.close();
  await rm(base, { recursive: true });
});

function get(path: string, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(new URL(path, server.url), { headers });
}

/** The status of a request whose path is sent as it is; fetch would tidy it. */
function rawStatus(path: string): Promise<number | undefined> {
  const { hostname, port } = new URL(server.url);
  return new Promise((done, reject) => {
    request({ hostname, port, path }, (response) => {
      response.resume();
      done(response.statusCode);
    })
      .on('error', reject)
      .end();
  });
}

describe('static server', () => {
  test('serves the index with its type and the headers of _headers', async () => {
    const response = await get('/?model=x');
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(response.headers.get('content-security-policy')).toBe("default-src 'self'");
    expect(response.headers.get('cache-control')).toBe('no-cache');
    expect(await response.text()).toContain('<title>page</title>');
  });

  test('packs text for who takes it, and nothing that is asked for in ranges', async () => {
    const packed = await get('/', { 'accept-encoding': 'gzip' });
    expect(packed.headers.get('content-encoding')).toBe('gzip');
    expect(packed.headers.get('vary')).toBe('Accept-Encoding');
    expect(await packed.text()).toContain('<title>page</title>');
    expect((await get('/', { 'accept-encoding': 'identity' })).headers.get('content-encoding')).toBeNull();
    const model = await get('/model.gguf', { 'accept-encoding': 'gzip' });
    expect(model.headers.get('content-encoding')).toBeNull();
    const part = await get('/index.html', { 'accept-encoding': 'gzip', range: 'bytes=0-3' });
    expect(part.status).toBe(206);
    expect(part.headers.get('content-encoding')).toBeNull();
  });

  test('knows wasm and gguf, and applies the rules of a folder', async () => {
    const wasm = await get('/assets/a.wasm');
    expect(wasm.headers.get('content-type')).toBe('application/wasm');
    expect(wasm.headers.get('cache-control')).toBe('immutable');
    const gguf = await get('/model.gguf');
    expect(gguf.headers.get('content-type')).toBe('application/octet-stream');
    expect(gguf.headers.get('accept-ranges')).toBe('bytes');
    expect(new Uint8Array(await gguf.arrayBuffer())).toEqual(BYTES);
  });

  test.each([
    ['bytes=0-0', 0, 1],
    ['bytes=10-19', 10, 20],
    ['bytes=990-', 990, 1000],
    ['bytes=-5', 995, 1000],
    ['bytes=-5000', 0, 1000],
    ['bytes=900-99999', 900, 1000],
  ])('answers %s', async (range, start, end) => {
    const response = await get('/model.gguf', { range });
    expect(response.status).toBe(206);
    expect(response.headers.get('content-range')).toBe(`bytes ${start}-${end - 1}/1000`);
    expect(new Uint8Array(await response.arrayBuffer())).toEqual(BYTES.slice(start, end));
  });

  test.each(['bytes=1000-', 'bytes=5000-6000', 'bytes=-0'])('refuses %s', async (range) => {
    const response = await get('/model.gguf', { range });
    expect(response.status).toBe(416);
    expect(response.headers.get('content-range')).toBe('bytes */1000');
  });

  test.each(['bytes=5-2', 'bytes=0-1,4-5', 'lines=0-1', 'bytes=-'])('ignores %s', async (range) => {
    const response = await get('/model.gguf', { range });
    expect(response.status).toBe(200);
    expect((await response.arrayBuffer()).byteLength).toBe(1000);
  });

  test('validates: 304 for the same version, the whole file when If-Range names another', async () => {
    const etag = (await get('/model.gguf')).headers.get('etag') ?? '';
    expect(etag).toMatch(/^".+"$/);
    expect((await get('/model.gguf', { 'if-none-match': etag })).status).toBe(304);
    expect((await get('/model.gguf', { range: 'bytes=0-9', 'if-range': etag })).status).toBe(206);
    expect((await get('/model.gguf', { range: 'bytes=0-9', 'if-range': '"other"' })).status).toBe(200);
  });

  test('serves an empty file', async () => {
    const response = await get('/empty.txt');
    expect(response.status).toBe(200);
    expect(await response.text()).toBe('');
  });

  test('answers HEAD without a body and refuses other methods', async () => {
    const head = await fetch(new URL('/model.gguf', server.url), { method: 'HEAD' });
    expect(head.headers.get('content-length')).toBe('1000');
    const post = await fetch(server.url, { method: 'POST' });
    expect(post.status).toBe(405);
  });

  test.each([
    '/none.html',
    '/../secret.txt',
    '/%2e%2e/secret.txt',
    '/..%2fsecret.txt',
    '/..%5csecret.txt',
    '/%00',
    '/%',
  ])('404 for %s', async (path) => {
    expect(await rawStatus(path)).toBe(404);
  });

  test('takes the next port when the wanted one is taken', async () => {
    const taken = Number(new URL(server.url).port);
    const second = await startStaticServer({ folder: join(base, 'page'), host: 'localhost', port: taken });
    expect(Number(new URL(second.url).port)).toBeGreaterThan(taken);
    expect((await fetch(second.url)).status).toBe(200);
    await second.close();
  });
});

test('downloads that are broken off leave no file open', async () => {
  await writeFile(join(base, 'page', 'large.gguf'), new Uint8Array(8 * 2 ** 20));
  await writeFile(join(base, 'page', 'large.json'), Buffer.alloc(8 * 2 ** 20, '[1]'));
  const descriptors = async (): Promise<number> => (await readdir('/proc/self/fd')).length;
  const { hostname, port } = new URL(server.url);
  const breakOff = (path: string): Promise<void> =>
    new Promise((done, reject) => {
      const asked = request({ hostname, port, path, headers: { 'accept-encoding': 'gzip' } }, (response) => {
        response.once('data', () => {
          response.destroy();
          done();
        });
      });
      asked.on('error', reject).end();
    });
  const before = await descriptors();
  for (let i = 0; i < 40; i++) await breakOff(i % 2 === 0 ? '/large.gguf' : '/large.json');
  await expect.poll(descriptors, { timeout: 5000 }).toBeLessThan(before + 10);
});
