import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, expect, test } from 'vitest';
import { readCommandLine, type Arguments } from '../../src/cli/command-line/arguments';
import { readHeaders } from '../../src/cli/files/headers';
import { openNamedModel } from '../../src/cli/files/open-model';
import { runCli } from '../../src/cli/run-cli';
import { httpSource } from '../../src/gguf/http-source';
import { codeOf, tracerErrorOf } from '../support/errors';
import { hostileModel } from '../support/hostile-models';
import { terminalDouble } from './terminal-double';

const folder = mkdtempSync(join(tmpdir(), 'moescope-headers-'));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

function inspect(...headers: readonly string[]): Arguments {
  const read = readCommandLine(['inspect', 'm', ...headers.flatMap((header) => ['--header', header])]);
  if (read.kind !== 'command') throw new Error('a command');
  return read.arguments;
}

/** Two hosts: the first sends readers on to the second, which has the model. */
const MODEL = hostileModel({});
let servers: readonly { readonly server: Server; readonly seen: IncomingHttpHeaders[]; readonly url: string }[] = [];
let leads = true;
beforeEach(async () => {
  leads = true;
  servers = await Promise.all(
    [0, 1].map(async (i) => {
      const seen: IncomingHttpHeaders[] = [];
      const server = createServer((request, response) => {
        seen.push(request.headers);
        if (i === 0 && leads) {
          response.writeHead(302, { location: `${servers[1]?.url ?? ''}?sig=abc` }).end();
          return;
        }
        const [, from = '0', to = '0'] = /bytes=(\d+)-(\d+)/.exec(request.headers.range ?? '') ?? [];
        const end = Math.min(Number(to), MODEL.length - 1);
        const range = `bytes ${from}-${end}/${MODEL.length}`;
        response.writeHead(206, { 'content-range': range, etag: '"1"' }).end(MODEL.subarray(Number(from), end + 1));
      });
      await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
      const address = server.address();
      const port = typeof address === 'object' && address !== null ? address.port : 0;
      return { server, seen, url: `http://127.0.0.1:${port}/m.gguf` };
    }),
  );
});
afterEach(() => {
  for (const { server } of servers) server.close();
});

test('lines are read from the command line and from files', async () => {
  writeFileSync(join(folder, 'headers'), 'X-Key: a b\r\n\nAuthorization: Bearer x:y\n');
  expect(await readHeaders(inspect())).toBeUndefined();
  expect(await readHeaders(inspect('X-One:  1 ', `@${join(folder, 'headers')}`))).toEqual({
    'X-One': '1',
    'X-Key': 'a b',
    Authorization: 'Bearer x:y',
  });
});

test.each([
  'SECRET',
  'X Y: SECRET',
  ': SECRET',
  'X: SECRET\nY: 2',
  'X: SECRET\0',
  'X: SECRET✓',
  'Range: SECRET',
  'Host: SECRET',
])('a line that is none is refused, and not repeated (%j)', async (line) => {
  const error = await tracerErrorOf(() => readHeaders(inspect(line)));
  expect(error.code).toBe('usage');
  expect(JSON.stringify([error.message, error.detail, error.remedy])).not.toContain('SECRET');
});

test('they go to their own host and no further, also from another thread, and into nothing that is written', async () => {
  const [first, second] = servers;
  const headers = { 'X-Key': 'SECRET', Authorization: 'Bearer SECRET' };
  const model = await openNamedModel(first?.url ?? '', { headers });
  expect(model.bytes).toBe(MODEL.length);
  const [descriptor] = model.descriptors;
  if (descriptor?.kind !== 'http') throw new Error('an address');
  const again = await httpSource(structuredClone(descriptor));
  await again.read(0, 4);
  await model.close();
  expect(first?.seen.length).toBeGreaterThan(2);
  for (const seen of first?.seen ?? [])
    expect(seen).toMatchObject({ 'x-key': 'SECRET', authorization: 'Bearer SECRET' });
  expect(second?.seen.length).toBe(first?.seen.length);
  for (const seen of second?.seen ?? []) expect(JSON.stringify(seen)).not.toContain('SECRET');

  leads = false;
  const terminal = terminalDouble();
  const args = ['inspect', first?.url ?? '', '--header', 'X-Key: SECRET', '--json', '-'];
  expect(await runCli(args, terminal, AbortSignal.timeout(20_000))).toBe(0);
  expect(first?.seen.at(-1)).toMatchObject({ 'x-key': 'SECRET' });
  expect(terminal.written.out + terminal.written.err).not.toContain('SECRET');
});

test('they are not sent in the open, nor by a browser, and a redirect without end is left', async () => {
  const headers = { 'X-Key': 'SECRET' };
  const open = await tracerErrorOf(() => httpSource({ kind: 'http', url: 'http://models.invalid/m.gguf', headers }));
  expect(open.message).toContain('over https only');
  const terminal = terminalDouble();
  const args = ['trace', 'm.gguf', '--tokens', '1', '--runtime', 'browser', '--header', 'X-Key: SECRET'];
  expect(await runCli(args, terminal, AbortSignal.timeout(20_000))).toBe(2);
  expect(terminal.written.err).toContain('--header is for requests of Node');
  const [, second] = servers;
  second?.server.removeAllListeners('request');
  second?.server.on('request', (request, response) => {
    response.writeHead(302, { location: request.url }).end();
  });
  expect(await codeOf(() => httpSource({ kind: 'http', url: second?.url ?? '', headers }))).toBe('source-read');
});
