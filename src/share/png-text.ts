import { strFromU8, strToU8, zlibSync } from 'fflate';
import { crc32 } from '../trace/crc32';
import { formatError } from '../trace/format-error';
import { SHARE_LIMITS } from './limits';
import { inflateBounded, unpackedLimit } from './shared-view';

const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a] as const;
/** Length, type and CRC-32 of a chunk. */
const CHUNK_BYTES = 12;

/** Texts by keyword. */
export type PngTexts = ReadonlyMap<string, string>;

export function isPng(bytes: Uint8Array): boolean {
  return SIGNATURE.every((byte, i) => bytes[i] === byte);
}

/** The PNG with these texts as iTXt chunks before its end, UTF-8; long ones compressed (PNG specification, section 11.3.3.4). @throws TracerError `trace-format` */
export function addPngTexts(png: Uint8Array, texts: PngTexts): Uint8Array<ArrayBuffer> {
  const end = [...chunks(png, 'the picture')].find(({ type }) => type === 'IEND');
  if (end === undefined) throw formatError('the picture', 'an IEND chunk', 'none');
  const added = [...texts].map(([keyword, text]) => chunk('iTXt', textBody(keyword, text)));
  const out = new Uint8Array(png.length + added.reduce((n, c) => n + c.length, 0));
  out.set(png.subarray(0, end.start));
  let at = end.start;
  for (const c of added) {
    out.set(c, at);
    at += c.length;
  }
  out.set(png.subarray(end.start), at);
  return out;
}

/** All texts of a PNG: iTXt, and tEXt and zTXt, which editors turn it into. Damaged chunks are errors. @throws TracerError `trace-format` */
export function readPngTexts(png: Uint8Array, place: string): PngTexts {
  const texts = new Map<string, string>();
  // For all texts together: a hundred bombs are a bomb.
  let left = unpackedLimit(png.length, SHARE_LIMITS.packedChars);
  const inflate = (packed: Uint8Array): Uint8Array => {
    const text = inflateBounded(packed, place, left);
    left -= text.length;
    return text;
  };
  for (const { type, body } of chunks(png, place)) {
    if (type === 'iTXt') readInternational(body, inflate, texts);
    else if (type === 'tEXt') {
      const [keyword, rest] = split(body);
      texts.set(latin1(keyword), latin1(rest));
    } else if (type === 'zTXt') {
      const [keyword, rest] = split(body);
      texts.set(latin1(keyword), latin1(inflate(rest.subarray(1))));
    }
  }
  return texts;
}

function readInternational(
  body: Uint8Array,
  inflate: (packed: Uint8Array) => Uint8Array,
  texts: Map<string, string>,
): void {
  const [keyword, flags] = split(body);
  const [, translated] = split(flags.subarray(2));
  const [, content] = split(translated);
  const packed = flags[0] === 1;
  texts.set(latin1(keyword), strFromU8(packed ? inflate(content) : content));
}

interface Chunk {
  readonly type: string;
  readonly start: number;
  readonly body: Uint8Array;
}

function* chunks(png: Uint8Array, place: string): Generator<Chunk> {
  if (!isPng(png)) throw formatError(place, 'a PNG', 'other bytes');
  const view = new DataView(png.buffer, png.byteOffset, png.byteLength);
  let at: number = SIGNATURE.length;
  while (at + CHUNK_BYTES <= png.length) {
    const length = view.getUint32(at);
    const end = at + CHUNK_BYTES + length;
    if (end > png.length) throw formatError(`${place}, chunk at ${at}`, `${length} bytes`, 'the end of the file');
    const type = latin1(png.subarray(at + 4, at + 8));
    const isText = type.endsWith('Xt') || type.endsWith('XT');
    if (/^(?:iTXt|tEXt|zTXt)$/.test(type) || isText) {
      const crc = crc32(png.subarray(at + 4, end - 4));
      const stated = view.getUint32(end - 4);
      if (crc !== stated) throw formatError(`${place}, ${type} chunk, CRC-32`, stated.toString(16), crc.toString(16));
    }
    yield { type, start: at, body: png.subarray(at + 8, end - 4) };
    if (type === 'IEND') return;
    at = end;
  }
}

function textBody(keyword: string, text: string): Uint8Array {
  const content = strToU8(text);
  const packed = content.length > 1000;
  const head = [...strToU8(keyword), 0, packed ? 1 : 0, 0, 0, 0];
  const body = packed ? zlibSync(content, { level: 9 }) : content;
  const out = new Uint8Array(head.length + body.length);
  out.set(head);
  out.set(body, head.length);
  return out;
}

function chunk(type: string, body: Uint8Array): Uint8Array {
  const out = new Uint8Array(CHUNK_BYTES + body.length);
  const view = new DataView(out.buffer);
  view.setUint32(0, body.length);
  out.set(strToU8(type), 4);
  out.set(body, 8);
  view.setUint32(8 + body.length, crc32(out.subarray(4, 8 + body.length)));
  return out;
}

/** What stands before and behind the first zero byte. */
function split(bytes: Uint8Array): readonly [Uint8Array, Uint8Array] {
  const at = bytes.indexOf(0);
  return at < 0 ? [bytes, bytes.subarray(bytes.length)] : [bytes.subarray(0, at), bytes.subarray(at + 1)];
}

function latin1(bytes: Uint8Array): string {
  return new TextDecoder('latin1').decode(bytes);
}
