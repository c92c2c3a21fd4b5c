import { createReadStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pipeline } from 'node:stream/promises';
import { extname, join, normalize, sep } from 'node:path';
import { createGzip } from 'node:zlib';
import { fail } from '../../base/errors';
import { answerRange } from './byte-range';
import { headersFor, parseHeaderRules, type HeaderRule } from './header-rules';

const MIME_TYPES: ReadonlyMap<string, string> = new Map([
  ['.css', 'text/css; charset=utf-8'],
  ['.gguf', 'application/octet-stream'],
  ['.html', 'text/html; charset=utf-8'],
  ['.ico', 'image/x-icon'],
  ['.js', 'text/javascript; charset=utf-8'],
  ['.json', 'application/json; charset=utf-8'],
  ['.map', 'application/json; charset=utf-8'],
  ['.mjs', 'text/javascript; charset=utf-8'],
  ['.md', 'text/plain; charset=utf-8'],
  ['.png', 'image/png'],
  ['.svg', 'image/svg+xml; charset=utf-8'],
  ['.txt', 'text/plain; charset=utf-8'],
  ['.wasm', 'application/wasm'],
  ['.webmanifest', 'application/manifest+json; charset=utf-8'],
  ['.woff', 'font/woff'],
  ['.woff2', 'font/woff2'],
]);

/** How many ports after the wanted one are tried. */
const PORT_TRIES = 20;

export interface StaticServer {
  /** With a slash at the end. */
  readonly url: string;
  close(): Promise<void>;
}

export interface StaticServerOptions {
  readonly folder: string;
  readonly host: string;
  /** 0: any free one. When it is taken, the next free one of a few. */
  readonly port: number;
  /** Whether the process lives on for the server's sake. Left out: it does. */
  readonly keepsAlive?: boolean;
}

/**
 * Serves a folder of static files: MIME types, the headers of its `_headers` file, byte ranges (206, 416) and validators (ETag, 304).
 * @throws TracerError `usage` when no port can be had
 */
export async function startStaticServer(options: StaticServerOptions): Promise<StaticServer> {
  const rules = parseHeaderRules(await readFile(join(options.folder, '_headers'), 'utf8').catch(() => ''));
  const server = createServer((request, response) => {
    respond(options.folder, rules, request, response).catch(() => {
      response.destroy();
    });
  });
  const port = await listenOnFreePort(server, options);
  if (options.keepsAlive === false) server.unref();
  const host = options.host.includes(':') ? `[${options.host}]` : options.host;
  return {
    url: `http://${host}:${port}/`,
    close: () =>
      new Promise((done) => {
        server.close(() => {
          done();
        });
        server.closeAllConnections();
      }),
  };
}

async function respond(
  folder: string,
  rules: readonly HeaderRule[],
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    plain(response, 405, 'Only GET and HEAD are served.', { Allow: 'GET, HEAD' });
    return;
  }
  const path = requestedPath(request.url ?? '/');
  const file = path === undefined ? undefined : await findFile(folder, path);
  if (path === undefined || file === undefined) {
    plain(response, 404, 'There is no such file.');
    return;
  }
  for (const [name, value] of headersFor(rules, path)) response.setHeader(name, value);
  const etag = `"${file.size.toString(16)}-${Math.floor(file.mtimeMs).toString(16)}"`;
  response.setHeader('ETag', etag);
  response.setHeader('Last-Modified', new Date(file.mtimeMs).toUTCString());
  response.setHeader('Accept-Ranges', 'bytes');
  response.setHeader('Content-Type', MIME_TYPES.get(extname(file.path)) ?? 'application/octet-stream');
  response.setHeader('X-Content-Type-Options', 'nosniff');
  if (!response.hasHeader('Cache-Control')) response.setHeader('Cache-Control', 'no-cache');
  if (request.headers['if-none-match'] === etag) {
    response.writeHead(304).end();
    return;
  }
  // A range of another version of the file would be a mix of both: If-Range asks for the whole file then.
  const ifRange = request.headers['if-range'];
  const isSameVersion = ifRange === undefined || ifRange === etag;
  const range = answerRange(isSameVersion ? request.headers.range : undefined, file.size);
  if (range.kind === 'unsatisfiable') {
    plain(response, 416, 'The range lies outside the file.', { 'Content-Range': `bytes */${file.size}` });
    return;
  }
  if (range.kind === 'whole' && request.method === 'GET' && isPackable(file.path) && acceptsGzip(request)) {
    response.setHeader('Content-Encoding', 'gzip');
    response.setHeader('Vary', 'Accept-Encoding');
    response.writeHead(200);
    await pipeline(createReadStream(file.path), createGzip(), response);
    return;
  }
  const start = range.kind === 'part' ? range.start : 0;
  const end = range.kind === 'part' ? range.end : file.size;
  if (range.kind === 'part') response.setHeader('Content-Range', `bytes ${start}-${end - 1}/${file.size}`);
  response.setHeader('Content-Length', end - start);
  response.writeHead(range.kind === 'part' ? 206 : 200);
  if (request.method === 'HEAD' || end === start) response.end();
  // A pipeline closes the file when the reader breaks off: with pipes alone each broken download kept a descriptor, until there were none.
  else await pipeline(createReadStream(file.path, { start, end: end - 1 }), response);
}

/** Text packs to a quarter; models and fonts do not. */
function isPackable(path: string): boolean {
  return /\.(?:css|html|js|json|map|md|mjs|svg|txt|webmanifest)$/.test(path);
}

function acceptsGzip(request: IncomingMessage): boolean {
  return /\bgzip\b/.test(String(request.headers['accept-encoding'] ?? ''));
}

/** The decoded path of a request; undefined when it is malformed or would leave the folder. */
function requestedPath(url: string): string | undefined {
  try {
    const path = decodeURIComponent(new URL(url, 'http://localhost').pathname);
    return path.includes('\0') || path.split(/[\\/]/).includes('..') ? undefined : path;
  } catch {
    return undefined;
  }
}

async function findFile(folder: string, path: string) {
  const full = join(folder, normalize(path.endsWith('/') ? `${path}index.html` : path));
  if (!full.startsWith(folder + sep)) return undefined;
  const found = await stat(full).catch(() => undefined);
  return found?.isFile() === true ? { path: full, size: found.size, mtimeMs: found.mtimeMs } : undefined;
}

function plain(response: ServerResponse, status: number, text: string, headers: Record<string, string> = {}): void {
  response.writeHead(status, { 'Content-Type': 'text/plain; charset=utf-8', ...headers }).end(`${text}\n`);
}

async function listenOnFreePort(server: Server, options: StaticServerOptions): Promise<number> {
  const tries = options.port === 0 ? 1 : PORT_TRIES;
  for (let port = options.port; port < options.port + tries && port <= 65_535; port++) {
    const actual = await listen(server, port, options.host);
    if (actual !== undefined) return actual;
  }
  throw fail(
    'usage',
    `No free port from ${options.port} to ${options.port + tries - 1} on ${options.host}.`,
    'Give another --port, or 0 for any.',
    { port: options.port, host: options.host },
  );
}

/** The port; undefined when it is taken. */
function listen(server: Server, port: number, host: string): Promise<number | undefined> {
  return new Promise((done, reject) => {
    const onError = (error: NodeJS.ErrnoException): void => {
      if (error.code === 'EADDRINUSE') done(undefined);
      else
        reject(fail('usage', `Cannot listen on ${host}:${port}: ${error.message}`, 'Give another --host or --port.'));
    };
    server.once('error', onError);
    server.listen(port, host, () => {
      server.off('error', onError);
      const address: AddressInfo | string | null = server.address();
      done(typeof address === 'object' && address !== null ? address.port : port);
    });
  });
}
