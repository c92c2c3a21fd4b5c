import fc from 'fast-check';
import { zipSync } from 'fflate';
import { describe, expect, it } from 'vitest';
import { crc32 } from '../../src/trace/crc32';
import { isZip, readZip, writeZip, zipClaims } from '../../src/trace/zip';
import { damaged, formatErrorOf, toleratesHostile } from './arbitrary';

const TEXT = new TextEncoder().encode('the same words, the same words, the same words');

/** Replaces a little-endian u32 at an offset from the start of the (only) central directory entry. */
function withCentral(zip: Uint8Array, offset: number, value: number): Uint8Array {
  const copy = zip.slice();
  const view = new DataView(copy.buffer);
  let at = copy.length - 22;
  while (view.getUint32(at, true) !== 0x02014b50) at--;
  view.setUint32(at + offset, value, true);
  return copy;
}

/** A one-file ZIP with 64-bit sizes in the directory and a 64-bit end record, as writers of large archives make them. */
function zip64(name: string, content: Uint8Array): Uint8Array {
  const path = new TextEncoder().encode(name);
  const local = new DataView(new ArrayBuffer(30));
  local.setUint32(0, 0x04034b50, true);
  local.setUint16(26, path.length, true);
  const central = new DataView(new ArrayBuffer(46));
  central.setUint32(0, 0x02014b50, true);
  central.setUint32(16, crc32(content), true);
  for (const offset of [20, 24, 42]) central.setUint32(offset, 0xffffffff, true);
  central.setUint16(28, path.length, true);
  central.setUint16(30, 28, true);
  const extra = new DataView(new ArrayBuffer(28));
  extra.setUint16(0, 1, true);
  extra.setUint16(2, 24, true);
  extra.setBigUint64(4, BigInt(content.length), true);
  extra.setBigUint64(12, BigInt(content.length), true);
  const directoryAt = 30 + path.length + content.length;
  const end64 = new DataView(new ArrayBuffer(56));
  end64.setUint32(0, 0x06064b50, true);
  end64.setBigUint64(32, 1n, true);
  end64.setBigUint64(48, BigInt(directoryAt), true);
  const locator = new DataView(new ArrayBuffer(20));
  locator.setUint32(0, 0x07064b50, true);
  locator.setBigUint64(8, BigInt(directoryAt + 46 + path.length + 28), true);
  const end = new DataView(new ArrayBuffer(22));
  end.setUint32(0, 0x06054b50, true);
  end.setUint16(10, 0xffff, true);
  end.setUint32(16, 0xffffffff, true);
  const parts = [local, path, content, central, path, extra, end64, locator, end];
  return Uint8Array.from(parts.flatMap((p) => [...new Uint8Array(p.buffer, p.byteOffset, p.byteLength)]));
}

describe('zip', () => {
  it('crc32 is the standard one', () => {
    expect(crc32(new TextEncoder().encode('123456789'))).toBe(0xcbf43926);
    expect(crc32(new Uint8Array())).toBe(0);
  });

  it('keeps files by path', () => {
    const trees = fc.dictionary(
      fc.string({ minLength: 1 }).filter((p) => !p.endsWith('/')),
      fc.uint8Array(),
    );
    fc.assert(
      fc.property(trees, (tree) => {
        const files = new Map(Object.entries(tree).filter(([, bytes]) => bytes instanceof Uint8Array));
        const zip = writeZip(files);
        expect(isZip(zip)).toBe(true);
        const read = readZip(zip, 'x');
        expect([...read].map(([p, b]) => [p, [...b]]).sort()).toEqual([...files].map(([p, b]) => [p, [...b]]).sort());
      }),
      { seed: 6 },
    );
  });

  it('the same files give the same bytes', () => {
    const files = new Map([['a/b.bin', TEXT]]);
    expect(writeZip(files)).toEqual(writeZip(files));
  });

  it('reads deflated files and leaves folders out', () => {
    const zip = zipSync({ 'd/': new Uint8Array(), 'd/t': [TEXT, { level: 9 }] });
    expect([...readZip(zip, 'x')].map(([p, b]) => [p, [...b]])).toEqual([['d/t', [...TEXT]]]);
  });

  it('unpacks a file when it is asked for, and no other', () => {
    const zip = withCentral(zipSync({ 'd/t': [TEXT, { level: 9 }] }), 16, 1);
    const files = readZip(zip, 'x');
    expect([...files.keys()]).toEqual(['d/t']);
    expect(files.get('another')).toBeUndefined();
    expect(formatErrorOf(() => files.get('d/t')).message).toContain('CRC-32');
    expect(zipClaims(zip, 'x')).toBe(TEXT.length);
    expect(zipClaims(writeZip(new Map([['t', TEXT]])), 'x')).toBe(0);
  });

  it('refuses entries that lie over each other, before it unpacks any', () => {
    const zip = zipSync({ a: new Uint8Array(2000), b: new Uint8Array(2000) }, { level: 9 });
    const bytes = zip.slice();
    const view = new DataView(bytes.buffer);
    const directory = view.getUint32(bytes.length - 22 + 16, true);
    // The second entry becomes the first once more, and claims all that stands before the directory.
    const second = directory + 46 + 1;
    bytes.copyWithin(second, directory, directory + 46);
    view.setUint32(second + 20, directory - 60, true);
    expect(formatErrorOf(() => readZip(bytes, 'bomb.zip')).detail['actual']).toBe('entries that overlap');
  });

  it('reads 64-bit archives', () => {
    expect([...(readZip(zip64('big.bin', TEXT), 'x').get('big.bin') ?? [])]).toEqual([...TEXT]);
  });

  const deflated = zipSync({ t: [TEXT, { level: 9 }] });
  const stored = writeZip(new Map([['t', TEXT]]));

  it.each([
    ['no ZIP at all', new Uint8Array(30), 'end record'],
    ['an empty file', new Uint8Array(), 'end record'],
    ['another checksum', withCentral(stored, 16, 1), '1'],
    ['a wrong size', withCentral(stored, 24, 5), '5 bytes'],
    ['a size that deflate cannot reach', withCentral(deflated, 24, 0x0fffffff), 'at most'],
    ['a size above all memory', withCentral(deflated, 24, 0xfffffffe), 'at most'],
    ['data beyond the end', withCentral(stored, 20, 0x7fffffff), 'bytes'],
    ['a local header beyond the end', withCentral(stored, 42, 0x7fffffff), 'bytes at'],
    ['an encrypted file', withCentral(stored, 8, 1), 'plain'],
    ['an unknown method', withCentral(stored, 10, 99), 'deflated'],
  ])('refuses %s', (_, bytes, expected) => {
    const error = formatErrorOf(() => [...readZip(bytes, 'dump.zip')]);
    expect(error.message).toContain('dump.zip');
    expect(error.detail['expected']).toContain(expected);
  });

  it.each([
    ['stored', stored],
    ['deflated', deflated],
    ['64-bit', zip64('t', TEXT)],
  ])('survives damage to a %s archive', (_, zip) => {
    fc.assert(
      fc.property(damaged(zip), (hostile) => {
        toleratesHostile(() => [...readZip(hostile, 'x')]);
      }),
      { seed: 8, numRuns: 1500 },
    );
  });
});
