const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
const PAD = '='.charCodeAt(0);
const LETTERS = Uint8Array.from(ALPHABET, (letter) => letter.charCodeAt(0));
/** Value of each ASCII letter; 255 for what is no base64. */
const VALUES = new Uint8Array(256).fill(255);
for (const [value, letter] of LETTERS.entries()) VALUES[letter] = value;

/** Standard base64 with padding. Through bytes, not `btoa`: a trace holds hundreds of megabytes. */
export function encodeBase64(bytes: Uint8Array): string {
  const out = new Uint8Array(Math.ceil(bytes.length / 3) * 4).fill(PAD);
  const whole = bytes.length - (bytes.length % 3);
  let o = 0;
  for (let i = 0; i < whole; i += 3) {
    const v = (bytes[i]! << 16) | (bytes[i + 1]! << 8) | bytes[i + 2]!;
    out[o++] = LETTERS[v >> 18]!;
    out[o++] = LETTERS[(v >> 12) & 63]!;
    out[o++] = LETTERS[(v >> 6) & 63]!;
    out[o++] = LETTERS[v & 63]!;
  }
  const [a, b] = bytes.subarray(whole);
  if (a !== undefined) {
    out[o++] = LETTERS[a >> 2]!;
    out[o++] = LETTERS[((a & 3) << 4) | ((b ?? 0) >> 4)]!;
    if (b !== undefined) out[o] = LETTERS[(b & 15) << 2]!;
  }
  return new TextDecoder('latin1').decode(out);
}

/** The bytes of standard base64 with padding, or undefined when the text is something else. Nothing is allocated but the bytes. */
export function decodeBase64(text: string): Uint8Array<ArrayBuffer> | undefined {
  const { length } = text;
  if (length % 4 !== 0) return undefined;
  const padding = text.charCodeAt(length - 1) !== PAD ? 0 : text.charCodeAt(length - 2) !== PAD ? 1 : 2;
  const used = length - padding;
  for (let i = 0; i < used; ++i) if (valueAt(text, i) === 255) return undefined;
  const out = new Uint8Array((length / 4) * 3 - padding);
  let o = 0;
  for (let i = 0; i < length; i += 4) {
    const v =
      (valueAt(text, i) << 18) |
      (valueAt(text, i + 1) << 12) |
      ((valueAt(text, i + 2) & 63) << 6) |
      (valueAt(text, i + 3) & 63);
    // Stores beyond the end, where the padding is, have no effect.
    out[o++] = v >> 16;
    out[o++] = v >> 8;
    out[o++] = v;
  }
  return out;
}

/** Letters beyond Latin 1 are no base64 either. */
function valueAt(text: string, i: number): number {
  const letter = text.charCodeAt(i);
  return letter < 256 ? VALUES[letter]! : 255;
}
