/** Numbers and sizes as people read them. Decimal units (1 MB = 10^6 bytes), a full stop as decimal mark, no locale. */

const BYTE_UNITS = ['B', 'kB', 'MB', 'GB', 'TB'] as const;

/** `14.0 MB`, `212 kB`, `18.6 GB`; three significant digits, as file managers show them. */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < BYTE_UNITS.length - 1) {
    value /= 1000;
    unit++;
  }
  const digits = unit === 0 || value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
  return `${value.toFixed(digits)} ${BYTE_UNITS[unit] ?? 'B'}`;
}

/** `151,936` */
export function formatCount(n: number): string {
  return Math.round(n)
    .toString()
    .replace(/\B(?=(\d{3})+(?!\d))/g, ',');
}

/**
 * A measured value in as few characters as keep two significant digits: `0.21`, `12`, `1.4e6`, `3.1e-7`, `0`, `NaN`, `Inf`, `-Inf`.
 * `undefined` (nothing was measured) is an en dash, never a zero.
 */
export function formatMetric(x: number | undefined): string {
  if (x === undefined) return '–';
  if (Number.isNaN(x)) return 'NaN';
  if (!Number.isFinite(x)) return x > 0 ? 'Inf' : '-Inf';
  if (x === 0) return '0';
  const magnitude = Math.abs(x);
  if (magnitude >= 9995 || magnitude < 0.00995) return x.toExponential(1).replace('e+', 'e');
  if (magnitude >= 99.5) return x.toFixed(0);
  if (magnitude >= 9.95) return x.toFixed(0);
  return magnitude >= 0.0995 ? x.toFixed(2) : x.toFixed(3);
}

/** Two significant digits, as sentences write them: 0.31, 3.1e4, 1.2e-7. */
export function short(x: number): string {
  if (!Number.isFinite(x)) return String(x);
  if (x === 0) return '0';
  const magnitude = Math.abs(x);
  if (magnitude >= 0.01 && magnitude < 1000) return String(Number(x.toPrecision(2)));
  return x.toExponential(1).replace('e+', 'e');
}

/** `0.8 s`, `14 s`, `3 min 20 s`, `2 h 5 min`. */
export function formatDuration(seconds: number): string {
  if (!Number.isFinite(seconds)) return '–';
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${String(whole)} s`;
  if (whole < 3600) {
    const rest = whole % 60;
    return rest === 0 ? `${String(whole / 60)} min` : `${String(Math.floor(whole / 60))} min ${String(rest)} s`;
  }
  return `${String(Math.floor(whole / 3600))} h ${String(Math.floor((whole % 3600) / 60))} min`;
}

/** `38 ms`, `1.2 s`: a measured wall time. */
export function formatMilliseconds(ms: number): string {
  return ms < 999.5 ? `${ms < 9.95 ? ms.toFixed(1) : ms.toFixed(0)} ms` : formatDuration(ms / 1000);
}

/** A token's text with its blanks made visible: leading space as a middle dot, line break and tab as arrows. */
export function visibleToken(text: string): string {
  if (text === '') return '∅';
  return text.replace(/ /g, '·').replace(/\n/g, '↵').replace(/\r/g, '␍').replace(/\t/g, '⇥');
}

/** `7f3a9d…d5c19e`: enough of a hash to tell files apart by eye. */
export function shortHash(hex: string): string {
  return hex.length <= 14 ? hex : `${hex.slice(0, 6)}…${hex.slice(-6)}`;
}

/** `first, second and third`. */
export function joinWords(words: readonly string[]): string {
  if (words.length <= 1) return words.join('');
  return `${words.slice(0, -1).join(', ')} and ${words[words.length - 1] ?? ''}`;
}

/** `1 stage`, `64 stages`. */
export function plural(n: number, one: string, many = `${one}s`): string {
  return `${formatCount(n)} ${n === 1 ? one : many}`;
}

/** Ascending whole numbers as ranges: `0–2, 5, 7–8`. */
export function rangesText(numbers: readonly number[]): string {
  const ranges: [number, number][] = [];
  for (const n of numbers) {
    const last = ranges[ranges.length - 1];
    if (last !== undefined && n === last[1] + 1) last[1] = n;
    else ranges.push([n, n]);
  }
  return ranges.map(([a, b]) => (a === b ? String(a) : `${String(a)}–${String(b)}`)).join(', ');
}
