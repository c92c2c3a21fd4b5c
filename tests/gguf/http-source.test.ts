import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { redactedUrl } from '../../src/base/redact-url';
import { httpSource } from '../../src/gguf/http-source';
import { openSource } from '../../src/gguf/open-source';
import { codeOf, tracerErrorOf } from '../support/errors';
import { sendRange, startRangeServer, type RangeServer } from '../support/gguf-http-server';

const BYTES = Uint8Array.from({ length: 1000 }, (_, i) => (i * 7) & 255);
const ONCE = { retryPausesMs: [] };

let server: RangeServer;

beforeEach(async () => {
  server = await startRangeServer(BYTES);
});

afterEach(async () => {
  vi.unstubAllGlobals();
  await server.close();
});

describe('a server with ranges', () => {
  it('gives exactly the asked bytes and asks for nothing else', async () => {
    const source = await httpSource({ kind: 'http', url: server.url }, ONCE);
    expect(source.size).toBe(1000);
    expect(source.name).toBe('tiny model.gguf');
    expect(await source.read(10, 5)).toEqual(BYTES.slice(10, 15));
    expect(await source.read(999, 1)).toEqual(BYTES.slice(999));
    expect(await source.read(0, 1000)).toEqual(BYTES);
    expect(await source.read(1000, 0)).toEqual(new Uint8Array(0));
    expect(server.state.ranges).toEqual(['bytes=0-0', 'bytes=10-14', 'bytes=999-999', 'bytes=0-999']);
  });

  it('serves reads at the same time', async () => {
    const source = await httpSource({ kind: 'http', url: server.url }, ONCE);
    const reads = await Promise.all(Array.from({ length: 20 }, (_, i) => source.read(i * 50, 50)));
    expect(Buffer.concat(reads)).toEqual(Buffer.from(BYTES));
  });

  it('opens again from its descriptor without asking', async () => {
    const source = await httpSource({ kind: 'http', url: server.url }, ONCE);
    expect(source.descriptor).toEqual({ kind: 'http', url: server.url, size: 1000, etag: '"v1"' });
    server.state.ranges.length = 0;
    const again = await openSource(structuredClone(source.descriptor));
    expect(server.state.ranges).toEqual([]);
    expect(await again.read(3, 4)).toEqual(BYTES.slice(3, 7));
  });

  it('takes a relative address against the page, once and for all', async () => {
    vi.stubGlobal('location', new URL('/app/index.html', server.url));
    const source = await httpSource({ kind: 'http', url: '../models/tiny.gguf' }, ONCE);
    expect(source.descriptor).toMatchObject({ url: new URL('/models/tiny.gguf', server.url).href });
    expect(await source.read(1, 2)).toEqual(BYTES.slice(1, 3));
  });

  it('opens an empty file as empty', async () => {
    server.state.bytes = new Uint8Array(0);
    const source = await httpSource({ kind: 'http', url: server.url }, ONCE);
    expect(source.size).toBe(0);
  });

  it('refuses to read outside the file', async () => {
    const source = await httpSource({ kind: 'http', url: server.url }, ONCE);
    expect(await codeOf(() => source.read(990, 11))).toBe('source-read');
    expect(await codeOf(() => source.read(-1, 2))).toBe('source-read');
    expect(await codeOf(() => source.read(0.5, 2))).toBe('source-read');
  });
});

describe('a server without ranges', () => {
  it('is refused at once, without reading the whole file', async () => {
    server.state.answer = (_request, response) => {
      response.writeHead(200, { 'content-length': String(2 ** 40) });
      response.write(BYTES);
      return true; // never ends
    };
    const error = await tracerErrorOf(() => httpSource({ kind: 'http', url: server.url }, ONCE));
    expect(error.code).toBe('source-range');
    expect(error.message).toContain('200');
  });

  it.each([
    ['no Content-Range', {}],
    ['another start', { 'content-range': 'bytes 5-9/1000' }],
    ['another end', { 'content-range': 'bytes 0-5/1000' }],
    ['no total', { 'content-range': 'bytes 0-0/*' }],
    ['nonsense', { 'content-range': 'lines 0-0/1000' }],
    ['a total beyond counting', { 'content-range': 'bytes 0-0/99999999999999999999' }],
  ])('%s is refused', async (_name, headers: Record<string, string>) => {
    server.state.answer = (_request, response) => {
      response.writeHead(206, headers).end(BYTES.subarray(0, 1));
      return true;
    };
    expect(await codeOf(() => httpSource({ kind: 'http', url: server.url }, ONCE))).toBe('source-range');
  });
});

describe('a file that changes during a run', () => {
  it.each([
    ['ETag', () => (server.state.etag = '"v2"')],
    ['size', () => (server.state.bytes = BYTES.subarray(0, 900))],
    ['larger size', () => (server.state.bytes = new Uint8Array(1100))],
    [
      'Last-Modified where there is no ETag',
      () => {
        server.state.etag = undefined;
        server.state.lastModified = 'Tue, 03 Nov 2026 10:00:00 GMT';
      },
    ],
  ])('%s', async (name, change) => {
    if (name.startsWith('Last-Modified')) {
      server.state.etag = undefined;
      server.state.lastModified = 'Mon, 02 Nov 2026 10:00:00 GMT';
    }
    const source = await httpSource({ kind: 'http', url: server.url }, ONCE);
    expect(await source.read(0, 4)).toEqual(BYTES.slice(0, 4));
    change();
    expect(await codeOf(() => source.read(8, 4))).toBe('source-changed');
  });

  it('is noticed in another thread through the descriptor', async () => {
    const source = await httpSource({ kind: 'http', url: server.url }, ONCE);
    server.state.etag = '"v2"';
    const other = await openSource(structuredClone(source.descriptor));
    expect(await codeOf(() => other.read(8, 4))).toBe('source-changed');
  });

  it('a shrunken file that no longer has the range is noticed as well', async () => {
    const source = await httpSource({ kind: 'http', url: server.url }, ONCE);
    server.state.bytes = BYTES.subarray(0, 100);
    expect(await codeOf(() => source.read(500, 4))).toBe('source-changed');
  });

  it('an ETag that a cache made weak, or a moved date under the same ETag, is no change', async () => {
    server.state.lastModified = 'Mon, 02 Nov 2026 10:00:00 GMT';
    const source = await httpSource({ kind: 'http', url: server.url }, ONCE);
    server.state.etag = 'W/"v1"';
    server.state.lastModified = 'Tue, 03 Nov 2026 10:00:00 GMT';
    expect(await source.read(8, 4)).toEqual(BYTES.slice(8, 12));
  });
});

describe('habits of servers that are no fault of the file', () => {
  it('answers that are capped are read on behind', async () => {
    server.state.bytes = Uint8Array.from({ length: 5000 }, (_, i) => i % 251);
    const source = await httpSource({ kind: 'http', url: server.url }, ONCE);
    server.state.answer = (_request, response, from, to) => {
      sendRange(server.state, response, from, Math.min(to, from + 2047));
      return true;
    };
    expect(await source.read(10, 4500)).toEqual(server.state.bytes.slice(10, 4510));
    expect(server.state.ranges.slice(1)).toEqual(['bytes=10-4509', 'bytes=2058-4509', 'bytes=4106-4509']);
    server.state.answer = (_request, response, from) => {
      sendRange(server.state, response, from, from + 9);
      return true;
    };
    expect(await codeOf(() => source.read(0, 100))).toBe('source-range');
  });

  it('an ETag that each node makes for itself, under one date and size, is the same file', async () => {
    server.state.lastModified = 'Mon, 02 Nov 2026 10:00:00 GMT';
    const source = await httpSource({ kind: 'http', url: server.url }, ONCE);
    server.state.etag = '"of another node"';
    expect(await source.read(8, 4)).toEqual(BYTES.slice(8, 12));
  });

  it('a web page is called one', async () => {
    server.state.answer = (_request, response) => {
      response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end('<!doctype html>');
      return true;
    };
    const error = await tracerErrorOf(() => httpSource({ kind: 'http', url: server.url }, ONCE));
    expect(error).toMatchObject({ code: 'source-range', message: expect.stringContaining('web page') as string });
  });
});

describe('failures on the way', () => {
  it('a body that ends early is an error', async () => {
    const source = await httpSource({ kind: 'http', url: server.url }, ONCE);
    server.state.answer = (_request, response, from, to) => {
      response.writeHead(206, { 'content-range': `bytes ${from}-${to}/1000`, etag: '"v1"' });
      response.end(BYTES.subarray(from, to)); // one byte short, chunked
      return true;
    };
    const error = await tracerErrorOf(() => source.read(0, 100));
    expect(error.code).toBe('source-read');
    expect(error.detail).toMatchObject({ expected: 100, actual: 99 });
  });

  it('a connection that breaks inside the body is an error', async () => {
    const source = await httpSource({ kind: 'http', url: server.url }, ONCE);
    server.state.answer = (_request, response, from, to) => {
      response.writeHead(206, { 'content-range': `bytes ${from}-${to}/1000`, 'content-length': '100' });
      response.write(BYTES.subarray(0, 10));
      setTimeout(() => response.destroy(), 20);
      return true;
    };
    expect(await codeOf(() => source.read(0, 100))).toBe('source-read');
  });

  it('a body longer than asked is cut off', async () => {
    const source = await httpSource({ kind: 'http', url: server.url }, ONCE);
    server.state.answer = (_request, response, from, to) => {
      response.writeHead(206, { 'content-range': `bytes ${from}-${to}/1000` });
      response.write(BYTES);
      return true; // never ends
    };
    expect(await codeOf(() => source.read(0, 100))).toBe('source-range');
  });

  it('tries again after a 503, a 429 and a broken connection, then succeeds', async () => {
    const source = await httpSource({ kind: 'http', url: server.url }, { retryPausesMs: [1, 1, 1] });
    let failures = 0;
    server.state.answer = (_request, response) => {
      failures++;
      if (failures === 1) response.writeHead(503).end('busy');
      else if (failures === 2) response.writeHead(429).end();
      else if (failures === 3) response.destroy();
      else return false;
      return true;
    };
    expect(await source.read(10, 10)).toEqual(BYTES.slice(10, 20));
    expect(failures).toBe(4);
  });

  it('gives up in the end', async () => {
    const source = await httpSource({ kind: 'http', url: server.url }, { retryPausesMs: [1, 1] });
    let requests = 0;
    server.state.answer = (_request, response) => {
      requests++;
      response.writeHead(503).end();
      return true;
    };
    const error = await tracerErrorOf(() => source.read(10, 10));
    expect(error.code).toBe('source-read');
    expect(error.detail).toMatchObject({ status: 503 });
    expect(requests).toBe(3);
  });

  it('does not try again where it would not help', async () => {
    let requests = 0;
    server.state.answer = (_request, response) => {
      requests++;
      response.writeHead(404).end();
      return true;
    };
    const error = await tracerErrorOf(() => httpSource({ kind: 'http', url: server.url }));
    expect(error.code).toBe('source-read');
    expect(error.message).toContain('404');
    expect(requests).toBe(1);
  });

  it('an unreachable host is an error that says so', async () => {
    await server.close();
    const error = await tracerErrorOf(() => httpSource({ kind: 'http', url: server.url }, ONCE));
    expect(error.code).toBe('source-read');
    expect(error.message).toContain(`${redactedUrl(server.url)}: `);
    server = await startRangeServer(BYTES);
  });
});

describe('abort', () => {
  it('before, while waiting for the answer, inside the body, and between tries', async () => {
    const source = await httpSource({ kind: 'http', url: server.url }, { retryPausesMs: [60_000] });
    expect(await codeOf(() => source.read(0, 10, AbortSignal.abort()))).toBe('run-cancelled');

    server.state.answer = () => true;
    expect(await codeOf(() => source.read(0, 10, AbortSignal.timeout(30)))).toBe('run-cancelled');

    server.state.answer = (_request, response, from, to) => {
      response.writeHead(206, { 'content-range': `bytes ${from}-${to}/1000`, etag: '"v1"' });
      response.write(BYTES.subarray(from, from + 2));
      return true;
    };
    expect(await codeOf(() => source.read(0, 10, AbortSignal.timeout(30)))).toBe('run-cancelled');

    server.state.answer = (_request, response) => {
      response.writeHead(503).end();
      return true;
    };
    expect(await codeOf(() => source.read(0, 10, AbortSignal.timeout(30)))).toBe('run-cancelled');
  });

  it('of one read leaves the source usable', async () => {
    const source = await httpSource({ kind: 'http', url: server.url }, ONCE);
    server.state.answer = (_request, response, from, to) => {
      setTimeout(() => {
        sendRange(server.state, response, from, to);
      }, 30);
      return true;
    };
    const controller = new AbortController();
    const aborted = codeOf(() => source.read(0, 10, controller.signal));
    const other = source.read(20, 10);
    controller.abort();
    expect(await aborted).toBe('run-cancelled');
    expect(await other).toEqual(BYTES.slice(20, 30));
  });
});

describe('trouble on the way', () => {
  it('a server that stalls is left after a while, before its answer and in the middle of it, and the cause is told', async () => {
    const options = { ...ONCE, idleMs: 100 };
    server.state.answer = () => true;
    const silent = await tracerErrorOf(() => httpSource({ kind: 'http', url: server.url }, options));
    expect(silent).toMatchObject({ code: 'source-read', message: expect.stringContaining('sent nothing for 0.1 s') });
    server.state.answer = undefined;
    const source = await httpSource({ kind: 'http', url: server.url }, options);
    server.state.answer = (_, response, from, to) => {
      response.writeHead(206, { 'content-range': `bytes ${from}-${to}/1000`, etag: '"v1"', 'content-length': '500' });
      response.write(BYTES.subarray(0, 10));
      return true;
    };
    const started = performance.now();
    expect((await tracerErrorOf(() => source.read(0, 500))).message).toContain('sent nothing for');
    expect(performance.now() - started).toBeLessThan(5000);
    // A stall that ends is none.
    server.state.answer = undefined;
    expect(await source.read(1, 2)).toEqual(BYTES.slice(1, 3));
  });

  it('tells why, and neither user nor signature', async () => {
    const { port } = new URL(server.url);
    const closed = 'http://127.0.0.1:1/m.gguf?sig=SECRET';
    const refused = await tracerErrorOf(() => httpSource({ kind: 'http', url: closed }, ONCE));
    expect(refused.message).toMatch(/bad port|ECONNREFUSED/);
    expect(refused.remedy).not.toContain('CORS');
    const credentials = await tracerErrorOf(() =>
      httpSource({ kind: 'http', url: `http://user:pw@127.0.0.1:${port}/m.gguf?sig=SECRET` }),
    );
    expect(credentials.message).toContain('are not supported');
    server.state.answer = (_, response) => {
      response.writeHead(403).end();
      return true;
    };
    const forbidden = await tracerErrorOf(() => httpSource({ kind: 'http', url: `${server.url}&sig=SECRET` }, ONCE));
    server.state.answer = (request, response) => {
      response.writeHead(302, { location: request.url ?? '' }).end();
      return true;
    };
    const started = performance.now();
    const loop = await tracerErrorOf(() => httpSource({ kind: 'http', url: `${server.url}&sig=SECRET` }));
    // No second try of what cannot succeed.
    expect(performance.now() - started).toBeLessThan(1000);
    expect(loop.message).toMatch(/redirect/);
    for (const error of [refused, credentials, forbidden, loop]) {
      expect(JSON.stringify([error.message, error.detail, error.remedy])).not.toMatch(/SECRET|user:|pw@/);
    }
  });
});
