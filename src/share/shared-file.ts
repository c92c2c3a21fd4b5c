import { formatError } from '../trace/format-error';
import { readReport } from './check-report';
import { SHARE_LIMITS } from './limits';
import { isPng, readPngTexts } from './png-text';
import { unpackView, type SharedView } from './shared-view';
import { FIRST_VIEW } from './view-state';

/** The iTXt keyword under which a PNG carries its view. */
export const PNG_KEYWORD = 'moescope';

/** Files that may carry a view: told by their first bytes. */
export type SharedKind = 'png' | 'svg' | 'html' | 'report';

/** The element of a picture; an editor may have given it a prefix. */
const SVG_ROOT = /<(?:[\w-]+:)?svg[\s>]/;

/** What kind of shared file begins like this; undefined: another kind of file (a model, a trace). */
export function sharedKind(head: Uint8Array): SharedKind | undefined {
  if (isPng(head)) return 'png';
  const text = new TextDecoder()
    .decode(head.subarray(0, 4096))
    .replace(/^\ufeff/, '')
    .trimStart();
  if (/^<!doctype html|^<html/i.test(text)) return 'html';
  if (text.startsWith('<') && SVG_ROOT.test(text)) return 'svg';
  if (text.startsWith('<?xml') || /^<!DOCTYPE\s+svg/i.test(text)) return 'svg';
  // Keys may come in any order: an editor may have sorted them when it saved the JSON.
  if (text.startsWith('{') && /"moescope-report\/|"(?:adapter|browser|created|verdict|rows)"\s*:/.test(text))
    return 'report';
  return undefined;
}

/**
 * Reads a picture (PNG, SVG), a single-file report (HTML) or a report (JSON).
 * @throws TracerError `trace-format`: no view in it, damaged, too large.
 */
export function readSharedFile(bytes: Uint8Array, kind: SharedKind, name: string): SharedView {
  if (bytes.length > SHARE_LIMITS.fileBytes) {
    throw formatError(name, `at most ${SHARE_LIMITS.fileBytes} bytes`, `${bytes.length}`);
  }
  if (kind === 'report') {
    return { report: readReport(new TextDecoder().decode(bytes), name), view: FIRST_VIEW, leftOut: [] };
  }
  const found = kind === 'png' ? fromPng(bytes, name) : unpackView(textOf(bytes), name);
  if (found !== undefined) return found;
  if (kind === 'svg' && !SVG_ROOT.test(textOf(bytes))) {
    throw formatError(name, 'a picture or report that MoEscope wrote', 'XML of another kind');
  }
  throw formatError(
    name,
    'a picture or report that MoEscope wrote',
    kind === 'html' ? 'a page without a trace in it' : 'a picture without a trace in it',
    'Some programs strip what rides in a picture. Share the original file, or the report as JSON or HTML.',
  );
}

function fromPng(bytes: Uint8Array, name: string): SharedView | undefined {
  const texts = readPngTexts(bytes, name);
  const own = texts.get(PNG_KEYWORD);
  if (own !== undefined) return unpackView(own, name);
  // Editors file texts under other keywords, or in XMP.
  for (const text of texts.values()) {
    const view = unpackView(text, name);
    if (view !== undefined) return view;
  }
  return undefined;
}

/** XML and HTML as text: UTF-8, or UTF-16 where a byte order mark says so. Character references of blanks become blanks. */
function textOf(bytes: Uint8Array): string {
  const utf16 = (bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff);
  const text = new TextDecoder(utf16 ? (bytes[0] === 0xff ? 'utf-16le' : 'utf-16be') : 'utf-8').decode(bytes);
  return text
    .replace(/&#(?:10|13|32|9|x0?[aAdD9]|x20);/g, ' ')
    .replace(/&#(?:61|x3[dD]);/g, '=')
    .replace(/&#(?:43|x2[bB]);/g, '+')
    .replace(/&#(?:47|x2[fF]);/g, '/');
}
