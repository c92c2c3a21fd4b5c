import { fail } from '../base/errors';

/** Bytes of magic and version. */
export const MAGIC_BYTES = 8;

const MAGIC = 'GGUF';
const MIN_VERSION = 2;
const MAX_VERSION = 3;

/** Whether bytes begin with the magic. */
export function isGguf(start: Uint8Array): boolean {
  return String.fromCharCode(...start.subarray(0, MAGIC.length)) === MAGIC;
}

/** What other files begin with, and what to say about them. */
const OTHER_FILES: readonly { readonly start: string; readonly what: string; readonly remedy: string }[] = [
  ...['lmgg', 'fmgg', 'tjgg', 'algg', 'ggml', 'ggmf', 'ggjt', 'ggla'].map((start) => ({
    start,
    what: 'a GGML file of the time before GGUF',
    remedy: 'Convert the original model to GGUF with a current converter.',
  })),
  ...['<!', '<h', '<H', '<?'].map((start) => ({
    start,
    what: 'a web page',
    remedy: 'The link leads to a page about the file. Use the address of the download itself.',
  })),
  {
    start: 'version ',
    what: 'a Git LFS pointer, not the file it points to',
    remedy: 'Fetch the real file with "git lfs pull", or download it directly.',
  },
  {
    start: 'GUF\u0003',
    what: 'a GGUF without its first byte: a server that sends other bytes than it says',
    remedy: 'Download the file with another program, and open it from disk.',
  },
  {
    start: '\0\0\0\0',
    what: 'a file that was given its size and never filled: a download that stopped',
    remedy: 'Download it again.',
  },
  { start: 'PK\u0003\u0004', what: 'a ZIP archive', remedy: 'Unpack it and open the GGUF inside.' },
  { start: '\u001f\u008b', what: 'a gzip archive', remedy: 'Unpack it and open the GGUF inside.' },
];

const NOT_GGUF_REMEDY =
  'Open a GGUF file (*.gguf). Models in other formats, such as safetensors, must be converted first.';

/**
 * Checks magic and version. `start` is the beginning of the file, at least {@link MAGIC_BYTES} unless the file is shorter.
 * @returns the version, 2 or 3
 * @throws TracerError `gguf-truncated` (too short to tell), `gguf-not-gguf`, `gguf-big-endian`, `gguf-version`.
 */
export function checkMagic(name: string, start: Uint8Array): number {
  const text = String.fromCharCode(...start.subarray(0, MAGIC_BYTES));
  const magic = text.slice(0, MAGIC.length);
  if (start.length === 0) {
    throw fail('gguf-truncated', `${name} is empty.`, 'Download it again.', { file: name, expected: MAGIC, actual: 0 });
  }
  if (magic === 'FUGG') throw bigEndian(name, 'magic FUGG');
  if (magic !== MAGIC.slice(0, magic.length)) throw notGguf(name, text);
  if (start.length < MAGIC_BYTES) {
    throw fail(
      'gguf-truncated',
      `${name} has only ${start.length} bytes.`,
      'The download is incomplete. Download it again.',
      { file: name, expected: MAGIC_BYTES, actual: start.length },
    );
  }
  const view = new DataView(start.buffer, start.byteOffset, MAGIC_BYTES);
  const version = view.getUint32(MAGIC.length, true);
  const swapped = view.getUint32(MAGIC.length, false);
  if (version >= MIN_VERSION && version <= MAX_VERSION) return version;
  if (swapped >= 1 && swapped <= 0xffff) throw bigEndian(name, `version ${swapped} stored high byte first`);
  throw fail(
    'gguf-version',
    `${name} is GGUF version ${version}; MoEscope reads versions ${MIN_VERSION} and ${MAX_VERSION}.`,
    version < MIN_VERSION
      ? 'Convert the original model again with a current converter.'
      : 'Use a newer MoEscope, or convert the model with a converter that writes version 3.',
    { file: name, expected: `${MIN_VERSION} or ${MAX_VERSION}`, actual: version },
  );
}

function bigEndian(name: string, how: string): Error {
  return fail(
    'gguf-big-endian',
    `${name} is a big-endian GGUF (${how}); MoEscope reads little-endian files.`,
    'Download the little-endian file, or convert this one with gguf_convert_endian.py.',
    { file: name, expected: 'little-endian', actual: how },
  );
}

function notGguf(name: string, text: string): Error {
  const other = OTHER_FILES.find((o) => text.startsWith(o.start));
  const actual = Array.from(text.slice(0, MAGIC.length), (c) => c.charCodeAt(0).toString(16).padStart(2, '0')).join(
    ' ',
  );
  const seems = other === undefined ? '' : ` It looks like ${other.what}.`;
  return fail(
    'gguf-not-gguf',
    `${name} is not a GGUF file: it begins with the bytes ${actual}, not with "${MAGIC}".${seems}`,
    other?.remedy ?? NOT_GGUF_REMEDY,
    { file: name, expected: MAGIC, actual },
  );
}
