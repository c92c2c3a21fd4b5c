import type { CDPSession, Page } from '@playwright/test';

/** Counts buffers where they are made: put before the engine's worker. */
const COUNTING = `
const made = { buffers: 0, bytes: 0 };
self.gpuMemory = made;
const create = GPUDevice.prototype.createBuffer;
const destroy = GPUBuffer.prototype.destroy;
const living = new WeakSet();
GPUDevice.prototype.createBuffer = function (descriptor) {
  const buffer = create.call(this, descriptor);
  living.add(buffer);
  made.buffers++;
  made.bytes += descriptor.size;
  return buffer;
};
GPUBuffer.prototype.destroy = function () {
  if (living.delete(this)) {
    made.buffers--;
    made.bytes -= this.size;
  }
  destroy.call(this);
};
`;

/** Buffers of the GPU that were made and not destroyed. */
export interface GpuMemory {
  readonly buffers: number;
  readonly bytes: number;
}

/** Lets {@link gpuMemory} see the engine's worker. Before the page is opened. */
export async function watchGpuMemory(page: Page): Promise<void> {
  await page.route('**/engine-worker-*.js', async (route) => {
    const response = await route.fetch();
    await route.fulfill({ response, body: `${COUNTING}\n${await response.text()}` });
  });
}

export async function gpuMemory(page: Page): Promise<GpuMemory> {
  const engine = page.workers().find((worker) => worker.url().includes('engine-worker'));
  if (engine === undefined) throw new Error('no engine');
  return engine.evaluate(() => {
    const memory: unknown = Reflect.get(self, 'gpuMemory');
    return memory as GpuMemory;
  });
}

/** JavaScript heaps in use after a garbage collection, bytes: the page's, and those of its workers, the reference's included. */
export async function heaps(session: CDPSession): Promise<{ readonly page: number; readonly workers: number }> {
  let workers = 0;
  for (const target of await workersOf(session)) {
    const usage = await askTarget(session, target, 'HeapProfiler.collectGarbage').then(() =>
      askTarget(session, target, 'Runtime.getHeapUsage'),
    );
    workers += usage.usedSize ?? 0;
  }
  await session.send('HeapProfiler.collectGarbage');
  return { page: (await session.send('Runtime.getHeapUsage')).usedSize, workers };
}

const attached = new WeakMap<CDPSession, Set<string>>();

/** Sessions of the page's workers, those of workers' workers not included. */
async function workersOf(session: CDPSession): Promise<ReadonlySet<string>> {
  const known = attached.get(session);
  if (known !== undefined) return known;
  const sessions = new Set<string>();
  attached.set(session, sessions);
  session.on('Target.attachedToTarget', ({ sessionId }) => sessions.add(sessionId));
  session.on('Target.detachedFromTarget', ({ sessionId }) => sessions.delete(sessionId));
  await session.send('Target.setAutoAttach', { autoAttach: true, waitForDebuggerOnStart: false, flatten: false });
  return sessions;
}

let nextId = 1;

/** One command to a worker. */
async function askTarget(session: CDPSession, sessionId: string, method: string): Promise<{ usedSize?: number }> {
  const id = nextId++;
  const answer = new Promise<{ usedSize?: number }>((resolve) => {
    const listen = (event: { readonly sessionId: string; readonly message: string }): void => {
      const said = JSON.parse(event.message) as { id?: number; result?: { usedSize?: number } };
      if (event.sessionId !== sessionId || said.id !== id) return;
      session.off('Target.receivedMessageFromTarget', listen);
      resolve(said.result ?? {});
    };
    session.on('Target.receivedMessageFromTarget', listen);
  });
  await session.send('Target.sendMessageToTarget', { sessionId, message: JSON.stringify({ id, method }) });
  return answer;
}
