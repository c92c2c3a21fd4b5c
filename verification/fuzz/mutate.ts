import type { Random } from '../../src/base/random';
import { oneIn, pick } from './target';

/** Numbers at which arithmetic and limits turn. */
export const EDGES: readonly bigint[] = [
  ...[0n, 1n, 2n, 3n, 7n, 8n, 31n, 32n, 127n, 128n, 255n, 256n, 65535n, 65536n],
  ...[24n, 31n, 32n, 52n, 53n, 61n, 62n, 63n].flatMap((e) => [2n ** e - 1n, 2n ** e, 2n ** e + 1n]),
  2n ** 64n - 32n,
  2n ** 64n - 1n,
];

/** A file with a few things wrong: bits, bytes, numbers of 4 and 8 bytes, pieces moved, doubled, lost, and cuts. */
export function mutated(random: Random, original: Uint8Array): Uint8Array<ArrayBuffer> {
  let bytes = new Uint8Array(original);
  for (let left = 1 + random.below(4); left > 0 && bytes.length > 0; left--) bytes = change(random, bytes);
  return bytes;
}

function change(random: Random, bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  // Headers are where it counts: half of the places are among the first bytes.
  const at = random.below(oneIn(random, 2) ? Math.min(64, bytes.length) : bytes.length);
  switch (random.below(8)) {
    case 0:
      bytes[at] = (bytes[at] ?? 0) ^ (1 << random.below(8));
      return bytes;
    case 1:
      bytes[at] = pick(random, [0, 1, 2, 9, 0x22, 0x5b, 0x7f, 0x80, 0xc0, 0xed, 0xff]);
      return bytes;
    case 2:
      return number(random, bytes, at, 4);
    case 3:
      return number(random, bytes, at, 8);
    case 4:
      return bytes.slice(0, at);
    case 5:
      return spliced(bytes, at, 1 + random.below(24), new Uint8Array(0));
    case 6: {
      const from = random.below(bytes.length);
      return spliced(bytes, at, 0, bytes.slice(from, from + 1 + random.below(64)));
    }
    default:
      return spliced(bytes, at, random.below(4), noise(random, 1 + random.below(16)));
  }
}

function number(random: Random, bytes: Uint8Array<ArrayBuffer>, at: number, width: 4 | 8): Uint8Array<ArrayBuffer> {
  if (at + width > bytes.length) return bytes;
  const near = oneIn(random, 4) ? BigInt(bytes.length) + BigInt(random.below(5)) - 2n : pick(random, EDGES);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (width === 8) view.setBigUint64(at, BigInt.asUintN(64, near), oneIn(random, 8) ? false : true);
  else view.setUint32(at, Number(BigInt.asUintN(32, near)), oneIn(random, 8) ? false : true);
  return bytes;
}

export function noise(random: Random, length: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length }, () => random.uint32() & 0xff);
}

function spliced(bytes: Uint8Array, at: number, removed: number, inserted: Uint8Array): Uint8Array<ArrayBuffer> {
  const rest = bytes.subarray(at + removed);
  const out = new Uint8Array(at + inserted.length + rest.length);
  out.set(bytes.subarray(0, at));
  out.set(inserted, at);
  out.set(rest, at + inserted.length);
  return out;
}

const HOSTILE_TEXT: readonly string[] = [
  ...['', ' ', 'NaN', '-Infinity', '1e999', '-1', '0', '4294967296', '9007199254740993', '__proto__', 'constructor'],
  ...['\ud800', '\u0000', '\ufeff', '<script>', '../../x', '"'.repeat(40), ','.repeat(40), 'é'.repeat(300)],
];

/** What JSON can hold where something else belongs. */
export function hostileValue(random: Random): unknown {
  switch (random.below(10)) {
    case 0:
      return null;
    case 1:
      return pick(random, [true, false]);
    case 2:
      return Number(pick(random, EDGES));
    case 3:
      return pick(random, [-1, 0.5, -0, 1e308, 5e-324, 2 ** 53 + 2]);
    case 4:
      return [];
    case 5:
      return {};
    // An object that cannot become text.
    case 6:
      return { toString: 1, valueOf: null };
    case 7:
      return Array.from({ length: 1 + random.below(300) }, (_, i) => i);
    case 8:
      return nested(pick(random, [3, 60, 3000, 12_000]));
    default:
      return pick(random, HOSTILE_TEXT);
  }
}

/** Marks a place for {@link jsonText}: too deep for JSON.stringify. */
class Nested {
  readonly depth: number;
  constructor(depth: number) {
    this.depth = depth;
  }
}
const nested = (depth: number): Nested => new Nested(depth);

/** JSON of a value with {@link hostileValue}s in it. */
export function jsonText(value: unknown): string {
  const deep: number[] = [];
  const text = JSON.stringify(value, (_, entry: unknown) => {
    if (!(entry instanceof Nested)) return entry;
    deep.push(entry.depth);
    return `@nested-${deep.length - 1}@`;
  });
  return text.replace(/"@nested-(\d+)@"/g, (_, i: string) => {
    const depth = deep[Number(i)] ?? 1;
    return '['.repeat(depth) + ']'.repeat(depth);
  });
}

/** A copy of a JSON value with members replaced, left out or added. */
export function mutatedJson(random: Random, value: unknown): unknown {
  let copy: unknown = structuredClone(value);
  for (let left = 1 + random.below(3); left > 0; left--) copy = changeJson(random, copy);
  return copy;
}

function changeJson(random: Random, value: unknown): unknown {
  const isList = Array.isArray(value);
  if (typeof value !== 'object' || value === null || value instanceof Nested || oneIn(random, 12)) {
    return hostileValue(random);
  }
  const keys = Object.keys(value);
  const key = keys.length === 0 ? 'x' : pick(random, keys);
  if (oneIn(random, 6)) Reflect.deleteProperty(value, key);
  else if (oneIn(random, 8) && !isList) Reflect.set(value, pick(random, HOSTILE_TEXT), hostileValue(random));
  else Reflect.set(value, key, changeJson(random, Reflect.get(value, key)));
  return value;
}

/** A text with a few things wrong. */
export function mutatedText(random: Random, original: string): string {
  let text = original;
  for (let left = 1 + random.below(4); left > 0; left--) {
    const at = random.below(text.length + 1);
    const removed = oneIn(random, 2) ? random.below(12) : 0;
    const from = random.below(text.length + 1);
    const put = oneIn(random, 3) ? text.slice(from, from + random.below(40)) : pick(random, HOSTILE_TEXT);
    text = text.slice(0, at) + put + text.slice(at + removed);
  }
  return text;
}
