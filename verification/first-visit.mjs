// node verification/first-visit.mjs [VISITS] [FOLDER]: visits the built page on localhost for the first time, again and again, with the main thread
// slowed down to a quarter, and prints when the verdict is there, when the map is, and when the page answers: the figures of docs/verification.md. Build first; FOLDER
// holds another build to compare with. On a busy machine the clock says more of the machine than of the page: each visit waits for a quiet moment, what
// other programs took of the processor meanwhile is printed, and visits that they disturbed are left out of the medians where others are left.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { findChromium } from '../scripts/lib/chromium.mjs';
import { processorOf } from './processor-time.mjs';
import { devtoolsPipe } from './devtools-pipe.mjs';

/** How many times slower than this machine. */
const THROTTLING = 4;
/** A page has come to rest after this long without a long task; milliseconds, as Lighthouse has it. */
const REST = 5000;
/** What every visitor may expect; milliseconds. */
const LIMIT = 1500;
/** Cores that other programs may take while a visit counts as quiet. */
const QUIET = 0.15;
/** A visit waits this long for a quiet moment, and then goes without one; milliseconds. */
const PATIENCE = 60_000;

/** @typedef {{ readonly paint: number, readonly verdict: number, readonly map: number, readonly others: number, readonly long: readonly (readonly [start: number, length: number])[] }} Seen */

const [visits = '9', folder = fileURLToPath(new URL('../dist', import.meta.url))] = process.argv.slice(2);
const port = String(20_000 + (process.pid % 20_000));
const server = spawn(process.execPath, [join(folder, 'cli/moescope.js'), 'serve', '--port', port], {
  stdio: ['ignore', 'pipe', 'inherit'],
});
await new Promise((resolve, reject) => {
  server.stdout.once('data', resolve);
  server.once('exit', reject);
});

const profile = mkdtempSync(join(tmpdir(), 'moescope-visit-'));
const program = findChromium() ?? 'chromium';
const flags = ['--headless=new', '--no-sandbox', '--no-first-run', '--disable-background-networking'];
const gpu = ['--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader'];
const browser = spawn(program, [...flags, ...gpu, `--user-data-dir=${profile}`, '--remote-debugging-pipe'], {
  stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'],
});
const send = devtoolsPipe(browser);

const { product } = await send('Browser.getVersion');
console.log(`load ${load()}, ${String(product)}; times in ms`);
console.log('first paint | verdict | map | interactive | cores of others | tasks above 50 ms, as start+length');
/** @type {{ readonly paint: number, readonly verdict: number, readonly map: number, readonly interactive: number, readonly others: number }[]} */
const figures = [];
for (let i = 0; i < Number(visits); i++) {
  await quietMoment();
  const { paint, verdict, map, others, long } = await visit();
  const interactive = Math.max(map, ...long.map(([start, length]) => start + length));
  figures.push({ paint, verdict, map, interactive, others });
  const tasks = long.map(([start, length]) => `${start.toFixed(0)}+${length.toFixed(0)}`).join(' ');
  const times = [paint, verdict, map, interactive].map((ms) => ms.toFixed(0));
  console.log(`${times.join(' | ')} | ${others.toFixed(2)} | ${tasks}`);
}
await send('Browser.close');
await new Promise((resolve) => browser.once('exit', resolve));
server.kill();
rmSync(profile, { recursive: true, force: true });

const undisturbed = figures.filter(({ others }) => others <= QUIET);
const counted = undisturbed.length > 0 ? undisturbed : figures;
console.log(`${undisturbed.length} of ${figures.length} visits undisturbed`);
for (const what of /** @type {const} */ (['paint', 'verdict', 'map', 'interactive'])) {
  const sorted = counted.map((one) => one[what]).sort((x, y) => x - y);
  const [least, median, most] = [0, sorted.length >> 1, sorted.length - 1].map((at) => (sorted[at] ?? NaN).toFixed(0));
  console.log(`${what}: ${least} to ${most}, median ${median}`);
}
const within = counted.filter(({ interactive }) => interactive <= LIMIT).length;
console.log(`${within} of ${counted.length} interactive within ${LIMIT} ms; load ${load()}`);

/**
 * One first visit, in a context of its own. Nothing but the page's own work is on its thread: no domain of the protocol is enabled (with `Runtime`
 * the script is read twice more for the stacks of the errors that React prepares), and nothing is asked before the page has come to rest.
 * @returns {Promise<Seen>}
 */
async function visit() {
  const { browserContextId } = await send('Target.createBrowserContext');
  const { targetId } = await send('Target.createTarget', { url: 'about:blank', browserContextId });
  const { sessionId } = await send('Target.attachToTarget', { targetId, flatten: true });
  /** @param {string} method @param {object} parameters */
  const page = (method, parameters) => send(method, parameters, String(sessionId));
  await page('Page.enable', {});
  const size = { width: 1440, height: 900, deviceScaleFactor: 1, mobile: false };
  await page('Emulation.setDeviceMetricsOverride', size);
  await page('Emulation.setCPUThrottlingRate', { rate: THROTTLING });
  await page('Page.addScriptToEvaluateOnNewDocument', { source: `(${watch.toString()})()` });
  const before = processorOf(process.pid);
  await page('Page.navigate', { url: `http://localhost:${port}/` });
  await pause(2 * LIMIT);
  const others = processorOf(process.pid).othersSince(before);
  await pause(REST - LIMIT);
  const expression = 'JSON.stringify(window.seen())';
  const { result } = await page('Runtime.evaluate', { expression });
  await send('Target.disposeBrowserContext', { browserContextId });
  return { ...JSON.parse(result.value), others };
}

/** Resolves once other programs have left the processor alone for half a second. */
async function quietMoment() {
  const latest = performance.now() + PATIENCE;
  let others = Infinity;
  while (others > QUIET && performance.now() < latest) {
    const before = processorOf(process.pid);
    await pause(500);
    others = processorOf(process.pid).othersSince(before);
  }
}

/** Runs in the page. */
function watch() {
  /** @type {[number, number][]} */
  const long = [];
  let [verdict, map] = [NaN, NaN];
  new PerformanceObserver((list) => {
    for (const { startTime, duration } of list.getEntries()) long.push([startTime, duration]);
  }).observe({ type: 'longtask', buffered: true });
  /** @param {() => boolean} isThere @param {(now: number) => void} tell */
  const when = (isThere, tell) => {
    const watching = new MutationObserver(() => {
      if (!isThere()) return;
      watching.disconnect();
      // The frame that shows it, and the task after it.
      requestAnimationFrame(() => {
        setTimeout(() => {
          tell(performance.now());
        }, 0);
      });
    });
    watching.observe(document, { childList: true, subtree: true });
  };
  when(
    () => (document.querySelector('[data-testid="verdict"]')?.textContent ?? '') !== '',
    (now) => (verdict = now),
  );
  when(
    () => document.querySelector('.face figure svg') !== null,
    (now) => (map = now),
  );
  const paint = () => performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? NaN;
  Object.assign(window, { seen: () => ({ paint: paint(), verdict, map, long }) });
}

/** @returns {string} */
function load() {
  return (loadavg()[0] ?? NaN).toFixed(1);
}
