import { reasonOf } from '../base/errors';
import { strFromU8, strToU8, Inflate, zlibSync } from 'fflate';
import type { Report } from '../divergence/report';
import { plainToJson } from '../divergence/report-json';
import { decodeBase64, encodeBase64 } from '../trace/base64';
import { crc32 } from '../trace/crc32';
import { formatError } from '../trace/format-error';
import { readReport } from './check-report';
import { SHARE_LIMITS } from './limits';
import { readViewState, type ViewState } from './view-state';

/** A trace and how it is looked at: what rides in pictures and report files. */
export interface SharedView {
  readonly report: Report;
  readonly view: ViewState;
  /** What was left out to keep the file small, in words. */
  readonly leftOut: readonly string[];
}

/**
 * The first word of the text in a file. Found by search, not by markup: whatever an editor does to prefixes, blanks, attribute order or
 * CDATA around it, the text stays. A change of meaning raises the number.
 */
export const MARK = 'moescope-view/1';
const FOUND = /moescope-view\/(\d+)[\s:]+([0-9a-f]{8})[\s:]+([A-Za-z0-9+/=\s]*)/;

/** `moescope-view/1 <CRC-32 of the JSON, hex> <zlib, base64>`: letters that no text format escapes. */
export function packView(shared: SharedView): string {
  const json = strToU8(viewJson(shared));
  return `${MARK} ${hex(crc32(json))} ${encodeBase64(zlibSync(json, { level: 6 }))}`;
}

/**
 * The view that a text carries, undefined where there is none.
 * @throws TracerError `trace-format`: damaged, too large, of a later version, or no report.
 */
export function unpackView(text: string, place: string): SharedView | undefined {
  const start = text.search(/moescope-view\/\d/);
  if (start < 0) return undefined;
  const match = FOUND.exec(text.slice(start, start + SHARE_LIMITS.packedChars));
  if (match === null) throw formatError(place, 'an embedded view', 'something else after its mark');
  const [, version, checksum = '', packed = ''] = match;
  if (version !== '1') {
    const remedy = 'Open it with the version of MoEscope that wrote it, or a later one.';
    throw formatError(place, MARK, `moescope-view/${version ?? '?'}`, remedy);
  }
  const bytes = decodeBase64(packed.replace(/\s+/g, ''));
  if (bytes === undefined) throw formatError(`${place}, embedded view`, 'base64', 'other text');
  const json = inflateBounded(bytes, `${place}, embedded view`);
  const actual = hex(crc32(json));
  if (actual !== checksum) throw formatError(`${place}, embedded view, CRC-32`, checksum, actual);
  return readViewJson(strFromU8(json), `${place}, embedded view`);
}

/** The same as plain JSON. */
export function viewJson({ report, view, leftOut }: SharedView): string {
  // The report is written by its own rules (NaN as text, whole-model layers as null), then put in its place.
  const rest = JSON.stringify({ view, leftOut });
  return `{"report":${plainToJson(report)},${rest.slice(1)}`;
}

function readViewJson(json: string, place: string): SharedView {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    throw formatError(place, 'JSON', 'other text');
  }
  if (typeof value !== 'object' || value === null || !('report' in value)) {
    throw formatError(place, 'a report', 'none');
  }
  const leftOut: unknown = 'leftOut' in value ? value.leftOut : undefined;
  return {
    report: readReport(textOf(value.report, place), place),
    view: readViewState('view' in value ? value.view : undefined),
    leftOut: Array.isArray(leftOut)
      ? leftOut.slice(0, 20).flatMap((entry: unknown) => (typeof entry === 'string' ? [entry.slice(0, 200)] : []))
      : [],
  };
}

function textOf(value: unknown, place: string): string {
  try {
    return JSON.stringify(value) ?? '';
  } catch {
    throw formatError(place, 'a report', 'endless nesting');
  }
}

/** Bytes that so many packed ones may become. */
export function unpackedLimit(packed: number, most: number = SHARE_LIMITS.unpackedBytes): number {
  return Math.min(most, SHARE_LIMITS.freeExpansion + SHARE_LIMITS.expansion * packed);
}

/** Deflate expands no further than this. */
const MAX_DEFLATE_RATIO = 1032;
/** Bytes that are inflated at once at least: each piece costs the inflater a buffer of 128 KiB. */
const LEAST_PIECE = 4096;

/** Inflates a zlib stream piece by piece and stops as soon as it grows too large: a bomb never unfolds. */
export function inflateBounded(
  bytes: Uint8Array,
  place: string,
  limit: number = unpackedLimit(bytes.length),
): Uint8Array<ArrayBuffer> {
  const header = ((bytes[0] ?? 0) << 8) | (bytes[1] ?? 0);
  if (bytes.length < 6 || (header & 0x0f00) !== 0x0800 || header % 31 !== 0) {
    throw formatError(place, 'a zlib stream', 'other bytes');
  }
  const chunks: Uint8Array[] = [];
  let total = 0;
  const stream = new Inflate((chunk) => {
    total += chunk.length;
    if (total > limit) throw formatError(place, `at most ${limit} bytes unpacked`, 'more');
    chunks.push(chunk);
  });
  // Two bytes of zlib header before, four of Adler-32 behind; the CRC-32 stands for the latter.
  const body = bytes.subarray(2, bytes.length - 4);
  try {
    for (let from = 0, to = 0; from < body.length; from = to) {
      // No piece may hold much more than what is still allowed, whatever it unfolds to.
      const step = Math.min(1 << 16, Math.max(LEAST_PIECE, Math.ceil((limit - total) / MAX_DEFLATE_RATIO)));
      to = from + step;
      stream.push(body.subarray(from, to), to >= body.length);
    }
  } catch (error) {
    if (error instanceof Error && 'remedy' in error) throw error;
    throw formatError(place, 'deflated data', reasonOf(error));
  }
  const out = new Uint8Array(total);
  let at = 0;
  for (const chunk of chunks) {
    out.set(chunk, at);
    at += chunk.length;
  }
  return out;
}

function hex(n: number): string {
  return n.toString(16).padStart(8, '0');
}
