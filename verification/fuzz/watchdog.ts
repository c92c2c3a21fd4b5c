import { Worker } from 'node:worker_threads';

/** A case that is still being read after so long will not end. Milliseconds. */
const HANG_MS = 30_000;

/** Runs beside: when the number in hand stays the same for too long, says which it is and ends the process. */
const BESIDE = `
const { workerData } = require('node:worker_threads');
const at = new Int32Array(workerData.shared);
let last = -1;
setInterval(() => {
  const now = Atomics.load(at, 0);
  if (now === last) {
    process.stderr.write('\\ncase ' + now + ' of target ' + Atomics.load(at, 1) + ' hangs\\n');
    process.kill(process.pid, 'SIGKILL');
  }
  last = now;
}, workerData.ms);
`;

/** Watches over a loop that may never come back. */
export interface Watchdog {
  /** Told before each case. */
  at(target: number, n: number): void;
  stop(): Promise<void>;
}

export function startWatchdog(): Watchdog {
  const shared = new SharedArrayBuffer(8);
  const place = new Int32Array(shared);
  const worker = new Worker(BESIDE, { eval: true, workerData: { shared, ms: HANG_MS } });
  worker.unref();
  return {
    at: (target, n) => {
      Atomics.store(place, 1, target);
      Atomics.store(place, 0, n);
    },
    stop: async () => {
      await worker.terminate();
    },
  };
}
