import { createHash } from 'node:crypto';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { seededRandom } from '../../src/base/random';
import { sha256, sha256Base64, sha256Hex } from '../../src/base/sha256';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const ascii = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text);

/** FIPS 180-4 and NIST CAVS examples. */
const KNOWN: readonly (readonly [string, string])[] = [
  ['', 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'],
  ['abc', 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'],
  [
    'abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq',
    '248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1',
  ],
  ['a'.repeat(1_000_000), 'cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0'],
];

afterEach(() => {
  vi.unstubAllGlobals();
});

describe('sha256', () => {
  it.each(KNOWN)('of %.20j', (text, expected) => {
    expect(hex(sha256(ascii(text)))).toBe(expected);
  });

  it('agrees with the platform at every length around the padding boundaries', () => {
    const random = seededRandom(7);
    for (let length = 0; length < 200; length++) {
      const bytes = Uint8Array.from({ length }, () => random.below(256));
      expect(hex(sha256(bytes))).toBe(createHash('sha256').update(bytes).digest('hex'));
    }
  });
});

describe('sha256Hex', () => {
  it('gives the same with and without crypto.subtle', async () => {
    const bytes = ascii('a header');
    const withSubtle = await sha256Hex(bytes);
    vi.stubGlobal('crypto', {});
    expect(globalThis.crypto.subtle).toBeUndefined();
    expect(await sha256Hex(bytes)).toBe(withSubtle);
  });

  it('hashes a view, not the buffer under it', async () => {
    const bytes = ascii('xabcx').subarray(1, 4);
    expect(await sha256Hex(bytes)).toBe(KNOWN[1]?.[1]);
  });

  it('of a text in base64, as policies hold it', async () => {
    expect(await sha256Base64('é')).toBe(createHash('sha256').update('é').digest('base64'));
  });
});
