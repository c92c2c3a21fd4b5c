import { Worker } from 'node:worker_threads';

/** How often this thread says that it lives, and how often the other one looks, in milliseconds. */
const BEAT_MS = 100;
const LOOK_MS = 250;

/**
 * Waits for interrupts while this thread is held up: a shell in the process group, to which a terminal sends Ctrl-C as to all of it. Says a dot for each; ends
 * with its standard input, which is this process's.
 */
const LISTENER = `trap 'hit=1; echo .' INT; while :; do hit=; read -r line || [ -n "$hit" ] || exit; done`;

/**
 * The other thread. Plain JavaScript, so that it needs no file of its own. `state` is [beats, interrupts that the held-up thread has handled].
 * A signal has one handler, the event loop of the main thread: while a synchronous step holds that up nothing there hears of it.
 */
const WATCHER = `
const { workerData: { shared, lookMs, restMs, listener: script } } = require('node:worker_threads');
const { spawn } = require('node:child_process');
const { writeSync } = require('node:fs');
const state = new Int32Array(shared);
let last = -1;
let listener;
let heard = 0;
let rest;
const end = () => {
  try {
    writeSync(2, '\\nerror run-cancelled: Ended by an interrupt in the middle of a step that does not end.\\n');
  } catch {}
  process.kill(process.pid, 'SIGKILL');
};
const listen = () => {
  const child = spawn('/bin/sh', ['-c', script], { stdio: ['pipe', 'pipe', 'ignore'] });
  child.on('error', () => undefined);
  child.stdin.on('error', () => undefined);
  child.stdout.on('data', (dots) => {
    for (const character of String(dots)) if (character === '.') heard++;
    if (heard + Atomics.load(state, 1) >= 2) end();
    rest ??= setTimeout(end, restMs);
  });
  return child;
};
setInterval(() => {
  const beats = Atomics.load(state, 0);
  const isHeld = beats === last;
  last = beats;
  if (isHeld) {
    listener ??= listen();
    return;
  }
  listener?.stdin.end();
  listener = undefined;
  heard = 0;
  clearTimeout(rest);
  rest = undefined;
}, lookMs);
`;

/** Counts interrupts that this thread has handled. */
export interface InterruptWatch {
  heard(): void;
}

/**
 * Ends the process on a second interrupt also where a synchronous step of this thread holds it up: a regular expression, a sort, a parser without end.
 * On Windows, where a console ends its processes itself, nothing is watched.
 * @param restMs milliseconds after which one interrupt is enough
 */
export function watchInterrupts(restMs: number): InterruptWatch {
  if (process.platform === 'win32') return { heard: () => undefined };
  const shared = new SharedArrayBuffer(8);
  const state = new Int32Array(shared);
  const workerData = { shared, lookMs: LOOK_MS, restMs, listener: LISTENER };
  new Worker(WATCHER, { eval: true, name: 'moescope-interrupts', workerData }).unref();
  setInterval(() => Atomics.add(state, 0, 1), BEAT_MS).unref();
  return { heard: () => void Atomics.add(state, 1, 1) };
}
