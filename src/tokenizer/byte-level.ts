/**
 * Byte-level BPE writes each byte as one printable character: the printable Latin-1 bytes stand for themselves, the other 68 are
 * U+0100 onwards in byte order (GPT-2's `bytes_to_unicode`).
 */
const byteOfCharacter: ReadonlyMap<string, number> = new Map(
  (() => {
    const isPrintable = (b: number): boolean => (b >= 0x21 && b <= 0x7e) || (b >= 0xa1 && b <= 0xac) || b >= 0xae;
    let next = 0x100;
    return Array.from({ length: 256 }, (_, b): [string, number] => [
      String.fromCharCode(isPrintable(b) ? b : next++),
      b,
    ]);
  })(),
);

const characterOfByte: readonly string[] = [...byteOfCharacter.keys()];

const utf8 = new TextEncoder();

/** The bytes that a vocabulary entry in the byte-level alphabet stands for. A character outside the alphabet stands for its UTF-8 bytes. */
export function bytesOfPiece(piece: string): Uint8Array {
  const bytes: number[] = [];
  for (const character of piece) {
    const byte = byteOfCharacter.get(character);
    if (byte === undefined) bytes.push(...utf8.encode(character));
    else bytes.push(byte);
  }
  return Uint8Array.from(bytes);
}

/** A text in the byte-level alphabet; an unpaired surrogate becomes U+FFFD. */
export function pieceOfText(text: string): string {
  let piece = '';
  for (const byte of utf8.encode(text)) piece += characterOfByte[byte] ?? '';
  return piece;
}

/** The UTF-8 bytes of a text; an unpaired surrogate becomes U+FFFD. */
export function bytesOfText(text: string): Uint8Array {
  return utf8.encode(text);
}

const lossy = new TextDecoder('utf-8', { ignoreBOM: true });
const strict = new TextDecoder('utf-8', { ignoreBOM: true, fatal: true });

/** Bytes as text; what is not UTF-8 becomes U+FFFD. A byte order mark is kept. */
export function textOfBytes(bytes: Uint8Array): string {
  return lossy.decode(bytes);
}

/** Bytes as a label: text where they are UTF-8, else printable ASCII as it is and every other byte as `<E4>`. */
export function labelOfBytes(bytes: Uint8Array): string {
  try {
    return strict.decode(bytes);
  } catch {
    return Array.from(bytes, (b) =>
      b >= 0x20 && b <= 0x7e ? String.fromCharCode(b) : `<${b.toString(16).toUpperCase().padStart(2, '0')}>`,
    ).join('');
  }
}
