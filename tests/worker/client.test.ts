import { expect, test } from 'vitest';
import { fail } from '../../src/base/errors';
import { createEngineClient } from '../../src/worker/client';
import type { EngineThread } from '../../src/worker/engine-thread';

interface FakeThread extends EngineThread {
  readonly calls: string[];
  die(): void;
}

/** A thread whose service notes its calls; `service` is what comlink would wrap. */
function fakeThread(): FakeThread {
  const calls: string[] = [];
  let isAlive = true;
  let reject: (error: unknown) => void = () => undefined;
  const crashed = new Promise<never>((_, no) => {
    reject = no;
  });
  crashed.catch(() => undefined);
  const answer = (name: string) =>
    function (this: unknown, ...args: unknown[]): Promise<unknown> {
      calls.push(
        `${name} ${args.map((arg) => (typeof arg === 'function' ? 'callback' : JSON.stringify(arg))).join(' ')}`.trim(),
      );
      if (name === 'adapter') return new Promise(() => undefined);
      return Promise.resolve(`${name} answered`);
    };
  const methods = ['open', 'tokenize', 'run', 'adapter', 'cancel'];
  const service: unknown = Object.fromEntries(methods.map((name) => [name, answer(name)]));
  return {
    calls,
    service: service as EngineThread['service'],
    crashed,
    get isAlive() {
      return isAlive;
    },
    die() {
      isAlive = false;
      reject(fail('internal', 'The worker died.', 'Run it again.'));
    },
  };
}

function client(): { engine: ReturnType<typeof createEngineClient>; threads: FakeThread[] } {
  const threads: FakeThread[] = [];
  const engine = createEngineClient(() => {
    const thread = fakeThread();
    threads.push(thread);
    return thread;
  });
  return { engine, threads };
}

const MODEL = [{ kind: 'http', url: 'https://host/a.gguf' }] as const;

test('every method of the service is a call; the worker starts with the first', async () => {
  const { engine, threads } = client();
  expect(threads).toHaveLength(0);
  expect(await engine.tokenize('a', { chat: false })).toBe('tokenize answered');
  await engine.run(
    { tokens: [1], engines: ['cpu'], mode: 'free', stages: '', layers: '', positions: '' },
    () => undefined,
  );
  expect(threads).toHaveLength(1);
  expect(threads[0]?.calls[0]).toBe('tokenize "a" {"chat":false}');
  expect(threads[0]?.calls[1]).toMatch(/^run \{.*\} callback$/);
});

test('a worker that died is replaced, with the same model open before the next call', async () => {
  const { engine, threads } = client();
  await engine.open(MODEL);
  threads[0]?.die();
  await engine.cancel();
  expect(threads[1]?.calls).toEqual([`open ${JSON.stringify(MODEL)}`, 'cancel']);
});

test('a call under way rejects when the worker dies; the adapter is then an error, no rejection', async () => {
  const { engine, threads } = client();
  const adapter = engine.adapter();
  await Promise.resolve();
  threads[0]?.die();
  expect(await adapter).toMatchObject({ code: 'internal' });
});

test('waiting for the client itself asks the engine nothing', async () => {
  const { engine, threads } = client();
  await Promise.resolve(engine);
  expect(threads).toHaveLength(0);
});
