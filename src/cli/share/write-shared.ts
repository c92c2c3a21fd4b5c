import { fail } from '../../base/errors';
import type { Report } from '../../divergence/report';
import { sheetPicture, type Picture } from '../../share/picture';
import { pictureSvg } from '../../share/picture-svg';
import { addPngTexts } from '../../share/png-text';
import { withoutPrompt } from '../../share/redact';
import { reportHtml } from '../../share/report-html';
import { PNG_KEYWORD } from '../../share/shared-file';
import { packView, type SharedView } from '../../share/shared-view';
import { slimView } from '../../share/slim-report';
import { FIRST_VIEW } from '../../share/view-state';
import type { Arguments } from '../command-line/arguments';
import { unwritable, writeOutput } from '../files/output';
import type { Terminal } from '../terminal/terminal';
import { writeWhole } from '../files/atomic-file';
import { checkPng, renderPng } from './render-png';
import { HTML_FILE, PNG_FILE, SVG_FILE, WITH_PROMPT } from './share-options';

/** Pictures and reports that a command line asks for. */
export interface SharedFiles {
  readonly html: string | undefined;
  readonly svg: string | undefined;
  readonly png: string | undefined;
  readonly withPrompt: boolean;
}

/** @throws TracerError `usage`: a PNG on standard output, or nothing to draw it with */
export function sharedFiles(args: Arguments): SharedFiles {
  const [html, svg, png] = [args.get(HTML_FILE), args.get(SVG_FILE), args.get(PNG_FILE)];
  if (png === '-') throw fail('usage', '--png cannot go to standard output.', 'Name a file for it.');
  if (png !== undefined) checkPng();
  const withPrompt = args.has(WITH_PROMPT);
  if (withPrompt && html === undefined && svg === undefined && png === undefined) {
    throw fail('usage', '--with-prompt needs --html, --svg or --png.', 'Name a file for one of them.');
  }
  return { html, svg, png, withPrompt };
}

/** Writes them as the page does: the same picture, the same report in it, the prompt only by choice. @throws TracerError `usage` */
export async function writeShared(report: Report, files: SharedFiles, terminal: Terminal): Promise<void> {
  const { html, svg, png, withPrompt } = files;
  if (html === undefined && svg === undefined && png === undefined) return;
  const leaving = withPrompt ? report : await withoutPrompt(report);
  if (html !== undefined) {
    await writeOutput(html, await reportHtml({ report: leaving, view: FIRST_VIEW, leftOut: [] }), terminal);
  }
  if (svg === undefined && png === undefined) return;
  const picture = sheetPicture(leaving, FIRST_VIEW);
  const shared = slimView(leaving, FIRST_VIEW);
  if (svg !== undefined) await writeOutput(svg, pictureSvg(picture, shared), terminal);
  if (png === undefined) return;
  const bytes = await picturePng(picture, shared);
  await writeWhole(png, bytes).catch((error: unknown) => {
    throw unwritable(png, error);
  });
}

async function picturePng(picture: Picture, shared: SharedView): Promise<Uint8Array> {
  return addPngTexts(await renderPng(picture), pictureTexts(picture, shared));
}

/** What a PNG says of itself; with it the page opens the same view again. */
export function pictureTexts(picture: Picture, shared: SharedView): ReadonlyMap<string, string> {
  return new Map([
    ['Title', picture.title],
    ['Description', picture.description],
    ['Software', `MoEscope ${shared.report.tool.version}`],
    [PNG_KEYWORD, packView(shared)],
  ]);
}
