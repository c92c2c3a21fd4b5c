import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';

/** How the server answers; changed by the test while it runs. */
export interface ServerState {
  bytes: Uint8Array;
  etag: string | undefined;
  lastModified: string | undefined;
  /** Answers one request instead of the usual 206. Return false to let the usual answer happen. */
  answer: ((request: IncomingMessage, response: ServerResponse, from: number, to: number) => boolean) | undefined;
  /** Range headers received so far. */
  readonly ranges: string[];
  /** Body bytes sent so far by the usual answer. */
  sent: number;
}

export interface RangeServer {
  readonly url: string;
  readonly state: ServerState;
  close(): Promise<void>;
}

/** A local HTTP server that serves `bytes` by ranges, as static hosts do. */
export async function startRangeServer(bytes: Uint8Array): Promise<RangeServer> {
  const state: ServerState = { bytes, etag: '"v1"', lastModified: undefined, answer: undefined, ranges: [], sent: 0 };
  const server = createServer((request, response) => {
    const range = request.headers.range ?? '';
    state.ranges.push(range);
    const match = /^bytes=(\d+)-(\d+)$/.exec(range);
    const from = Number(match?.[1]);
    const to = Math.min(Number(match?.[2]), state.bytes.length - 1);
    if (state.answer?.(request, response, from, to) === true) return;
    if (from >= state.bytes.length) {
      response.writeHead(416, { 'content-range': `bytes */${state.bytes.length}` }).end();
      return;
    }
    sendRange(state, response, from, to);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return {
    url: `http://127.0.0.1:${address.port}/models/tiny%20model.gguf?download=true`,
    state,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => {
          resolve();
        });
      }),
  };
}

/** The usual 206. */
export function sendRange(
  state: ServerState,
  response: ServerResponse,
  from: number,
  to: number,
  headers: Record<string, string> = {},
): void {
  const body = state.bytes.subarray(from, to + 1);
  state.sent += body.length;
  response
    .writeHead(206, {
      'content-range': `bytes ${from}-${to}/${state.bytes.length}`,
      'content-length': String(body.length),
      ...(state.etag === undefined ? {} : { etag: state.etag }),
      ...(state.lastModified === undefined ? {} : { 'last-modified': state.lastModified }),
      // Pages of other origins may read it, as on the usual hosts of models.
      'access-control-allow-origin': '*',
      'access-control-expose-headers': 'Content-Range, ETag, Last-Modified',
      ...headers,
    })
    .end(body);
}
