import { toErrorData } from '../base/errors';
import { rowsToCsv } from '../divergence/rows-csv';
import { reportToJson } from '../divergence/report-json';
import type { Report } from '../divergence/report';
import { cardPicture } from '../share/card';
import { sheetPicture, type Picture } from '../share/picture';
import { pictureSvg } from '../share/picture-svg';
import { addPngTexts } from '../share/png-text';
import { withoutPrompt } from '../share/redact';
import { reportHtml } from '../share/report-html';
import { PNG_KEYWORD } from '../share/shared-file';
import { packView, type SharedView } from '../share/shared-view';
import { slimView } from '../share/slim-report';
import { packSummary } from '../share/summary';
import type { ViewState } from '../share/view-state';
import type { EngineClient } from '../worker/client-types';
import { linkOf, viewStateOf } from './shell-actions';
import type { ShareState } from './shell-state';
import type { AppState } from './state';
import { selectShown } from './view';

/** Everything that can be made of a trace. Loaded when the share dialog opens. */
export const SHARE_KINDS = [
  { id: 'copy-picture', title: 'Copy picture', hint: 'PNG, to paste into an issue' },
  { id: 'png', title: 'PNG', hint: 'the card, or the full sheet; opens here again' },
  { id: 'svg', title: 'SVG', hint: 'text stays text; opens here again' },
  { id: 'copy-link', title: 'Copy link', hint: 'opens as this run: its verdict and map; not its tokens' },
  { id: 'html', title: 'HTML report', hint: 'one file, no scripts; opens here again' },
  { id: 'json', title: 'JSON report', hint: 'every number, for machines' },
  { id: 'csv', title: 'CSV', hint: 'one line a comparison' },
  { id: 'npz', title: 'Tensors, NPZ', hint: 'for NumPy and moescope diff' },
  { id: 'aprt', title: 'Tensors, APRT', hint: 'a ZIP of the tree that apr reads' },
] as const;
export type ShareKind = (typeof SHARE_KINDS)[number]['id'];

/** What the browser does with what is made. */
export interface ShareHost {
  renderPng(picture: Picture, scale: number): Promise<Blob>;
  saveBlob(name: string, blob: Blob): void;
  copyPicture(picture: Promise<Blob>): Promise<void>;
  copyText(text: string): Promise<void>;
  /** The page's address without its fragment. */
  address(): string;
}

/** Pictures at this many pixels a layout unit. */
const PNG_SCALE = 2;

/** The report as it would leave, with or without its prompt. */
export async function leavingReport(report: Report, withPrompt: boolean): Promise<Report> {
  return withPrompt ? report : withoutPrompt(report);
}

/** The picture and what rides in it. */
export async function leavingPicture(
  report: Report,
  view: ViewState,
  options: Pick<ShareState, 'withPrompt' | 'dark' | 'sheet'>,
): Promise<{ readonly picture: Picture; readonly shared: SharedView }> {
  const leaving = await leavingReport(report, options.withPrompt);
  return {
    picture: options.sheet ? sheetPicture(leaving, view, options.dark) : cardPicture(leaving, options.dark),
    shared: slimView(leaving, view),
  };
}

/** Makes and delivers one of {@link SHARE_KINDS}. @returns what was done, in words. @throws TracerError */
export async function shareAs(
  kind: ShareKind,
  state: AppState,
  client: EngineClient,
  host: ShareHost,
): Promise<string> {
  const { withPrompt } = state.shell.share;
  if (kind === 'npz' || kind === 'aprt') {
    const blob = await client.saveTensors(kind, withPrompt);
    return saved(host, `${stemOf(state)}.${kind === 'npz' ? 'npz' : 'aprt.zip'}`, blob);
  }
  if (kind === 'copy-link') {
    const shown = selectShown(state);
    const report = shown.kind === 'report' || shown.kind === 'recorded' ? shown.report : undefined;
    const leaving = report === undefined ? undefined : await leavingReport(report, false);
    const link = linkOf(state, withPrompt, leaving === undefined ? undefined : packSummary(leaving));
    await host.copyText(`${host.address()}${link}`);
    return `Link copied${withPrompt ? ', with the prompt' : ''}.`;
  }
  const shown = selectShown(state);
  if (shown.kind !== 'report' && shown.kind !== 'recorded') return 'There is no trace to share yet.';
  const view = viewStateOf(state);
  const name = (extension: string): string => `${stemOf(state)}.moescope.${extension}`;
  const text = (extension: string, type: string, content: string): string =>
    saved(host, name(extension), new Blob([content], { type }));
  const png = async (): Promise<Blob> => {
    const { picture, shared } = await leavingPicture(shown.report, view, state.shell.share);
    const plain = new Uint8Array(await (await host.renderPng(picture, PNG_SCALE)).arrayBuffer());
    const texts = new Map([
      ['Title', picture.title],
      ['Description', picture.description],
      ['Software', `MoEscope ${shown.report.tool.version}`],
      [PNG_KEYWORD, packView(shared)],
    ]);
    return new Blob([addPngTexts(plain, texts)], { type: 'image/png' });
  };
  switch (kind) {
    case 'copy-picture':
      await host.copyPicture(png());
      return 'Picture copied.';
    case 'png':
      return saved(host, name('png'), await png());
    case 'svg': {
      const { picture, shared } = await leavingPicture(shown.report, view, state.shell.share);
      return text('svg', 'image/svg+xml', pictureSvg(picture, shared));
    }
    case 'html': {
      const leaving = await leavingReport(shown.report, withPrompt);
      return text('html', 'text/html', await reportHtml({ report: leaving, view, leftOut: [] }));
    }
    case 'json':
      return text('json', 'application/json', reportToJson(await leavingReport(shown.report, withPrompt), 1));
    case 'csv':
      return text('csv', 'text/csv', rowsToCsv(shown.report.rows));
  }
}

/** The same with its course and outcome in the state. */
export async function share(
  kind: ShareKind,
  get: () => AppState,
  setShare: (change: Partial<AppState['shell']['share']>) => void,
  client: EngineClient,
  host: ShareHost,
): Promise<void> {
  setShare({ busy: kind, done: undefined, error: undefined });
  try {
    setShare({ busy: undefined, done: await shareAs(kind, get(), client, host) });
  } catch (error) {
    setShare({ busy: undefined, error: toErrorData(error) });
  }
}

function saved(host: ShareHost, name: string, blob: Blob): string {
  host.saveBlob(name, blob);
  return `${name} saved.`;
}

function stemOf(state: AppState): string {
  const shown = selectShown(state);
  const file = shown.kind === 'report' || shown.kind === 'recorded' ? shown.report.model.file : state.opened?.card.file;
  return (file ?? 'moescope')
    .replace(/\.gguf$/i, '')
    .replace(/[^\w.-]+/g, '-')
    .slice(0, 80);
}
