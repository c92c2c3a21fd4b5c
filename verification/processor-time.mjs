import { readdirSync, readFileSync } from 'node:fs';

/** Ticks a second of Linux' own counts. */
const HERTZ = 100;

/**
 * What the machine's processor has done up to now, and what of it a process and all that it started; from `/proc`, so on Linux alone. Elsewhere
 * nothing is known of others, and no time counts as theirs.
 * @param {number} root
 */
export function processorOf(root) {
  const at = performance.now();
  const busy = busyTicks();
  const own = ticksOf(root);
  return {
    at,
    busy,
    own,
    /** @param {{ readonly at: number, readonly busy: number, readonly own: number }} before Returns how many cores other programs took since. */
    othersSince: (before) => {
      const seconds = (at - before.at) / 1000;
      return Math.max(0, busy - before.busy - (own - before.own)) / HERTZ / seconds;
    },
  };
}

/** Time in which the processor worked, or another machine had it. */
function busyTicks() {
  const line = read('/proc/stat').split('\n')[0] ?? '';
  const [, user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, steal = 0] = line.split(/\s+/).map(Number);
  return user + nice + system + irq + softirq + steal;
}

/** @param {number} root */
function ticksOf(root) {
  /** @type {Map<number, { readonly parent: number, readonly ticks: number }>} */
  const all = new Map();
  for (const name of folders('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const text = read(`/proc/${name}/stat`);
    // The command stands in brackets and may hold any character.
    const [, parent = 0, , , , , , , , , , user = 0, system = 0] = text
      .slice(text.lastIndexOf(')') + 2)
      .split(' ')
      .map(Number);
    all.set(Number(name), { parent, ticks: user + system });
  }
  let sum = 0;
  for (const [pid, { ticks }] of all) {
    let above = pid;
    while (above !== root && above > 1) above = all.get(above)?.parent ?? 0;
    if (above === root) sum += ticks;
  }
  return sum;
}

/** @param {string} path */
function folders(path) {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}

/** A process may be gone by now. @param {string} path */
function read(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
