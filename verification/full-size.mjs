// node verification/full-size.mjs MODEL [TOKENS]: traces MODEL with both arms in headless Chromium through the built page, watches the memory of
// the browser's processes while it runs, and prints the figures of docs/performance.md. Linux; build first.
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const CLI = fileURLToPath(new URL('../dist/cli/moescope.js', import.meta.url));
const GIB = 2 ** 30;
const [model, tokens = '1'] = process.argv.slice(2);
if (model === undefined) throw new Error('give a model');

const folder = mkdtempSync(join(tmpdir(), 'moescope-full-'));
const reportFile = join(folder, 'report.json');
const started = performance.now();
const args = [CLI, 'trace', model, '--tokens', tokens, '--runtime', 'browser', '--json', reportFile];
const child = spawn(process.execPath, args, { stdio: 'inherit' });

/** Largest resident memory seen of each kind of process below the child. @type {Map<string, number>} */
const peaks = new Map();
const watch = setInterval(() => {
  for (const pid of descendants(child.pid ?? 0)) {
    const status = read(`/proc/${pid}/status`);
    const kind = /--type=([\w-]+)/.exec(read(`/proc/${pid}/cmdline`))?.[1] ?? 'other';
    const peak = Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1] ?? 0) * 1024;
    peaks.set(kind, Math.max(peaks.get(kind) ?? 0, peak));
  }
}, 500);
const status = await new Promise((resolve) => child.on('exit', resolve));
clearInterval(watch);

const seconds = (performance.now() - started) / 1000;
const report = JSON.parse(readFileSync(reportFile, 'utf8'));
rmSync(folder, { recursive: true });
const ratios = report.rows.flatMap((/** @type {{ maxRatio?: number }} */ row) => row.maxRatio ?? []);
const lines = [
  `status ${status}; ${report.verdict.sentence}`,
  `${report.model.bytes} bytes, ${report.run.tokens.length} tokens, ${report.run.layers.length} layers; ${[report.adapter?.vendor, report.adapter?.architecture, report.adapter?.description].filter(Boolean).join(' ')}; ${report.browser?.name} ${report.browser?.version}`,
  `${seconds.toFixed(1)} s in all; ${report.timing.phases.map((/** @type {{ name: string, ms: number, bytes: number }} */ p) => `${p.name} ${(p.ms / 1000).toFixed(1)} s, ${(p.bytes / 1e9).toFixed(2)} GB`).join('; ')}`,
  `largest error / bound ${Math.max(...ratios).toFixed(3)} over ${ratios.length} rows`,
  `GPU weights ${(report.memory.gpuWeightBytes / GIB).toFixed(2)} GiB, GPU peak ${(report.memory.gpuPeakBytes / GIB).toFixed(2)} GiB, trace ${(report.memory.traceBytes / GIB).toFixed(3)} GiB`,
  ...[...peaks].map(([kind, bytes]) => `peak resident ${kind} ${(bytes / GIB).toFixed(2)} GiB`),
];
console.log(lines.join('\n'));

/** @param {string} file */
function read(file) {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

/** @param {number} root @returns {readonly number[]} */
function descendants(root) {
  /** @type {Map<number, number[]>} */
  const children = new Map();
  for (const name of readdirSync('/proc')) {
    const parent = Number(/^PPid:\s+(\d+)/m.exec(/^\d+$/.test(name) ? read(`/proc/${name}/status`) : '')?.[1]);
    if (Number.isFinite(parent)) children.set(parent, [...(children.get(parent) ?? []), Number(name)]);
  }
  const found = [root];
  for (const pid of found) found.push(...(children.get(pid) ?? []));
  return found;
}
