import type { Browser, TestInfo } from '@playwright/test';
import type { Report } from '../divergence/report';
import { reportToJson } from '../divergence/report-json';
import { svgText } from '../plots/svg';
import { LIGHT } from '../share/palette';
import { divergencePicture } from '../share/picture';
import { pictureSvg } from '../share/picture-svg';
import { addPngTexts } from '../share/png-text';
import { PNG_KEYWORD } from '../share/shared-file';
import { packView } from '../share/shared-view';
import { slimView } from '../share/slim-report';
import { FIRST_VIEW } from '../share/view-state';
import type { TestRun } from './settings';

/** Pixels a layout unit, as on the page. */
const SCALE = 2;

/** Attaches a run to its test: the report as JSON, and its picture, which opens on the page again. */
export async function attachRun(info: TestInfo, { report, browser }: TestRun, number: number): Promise<void> {
  const name = `${number}-${report.model.file.replace(/\.gguf$/i, '').replace(/[^\w.-]+/g, '-')}.moescope`;
  await info.attach(`${name}.json`, { body: `${reportToJson(report, 1)}\n`, contentType: 'application/json' });
  const picture = browser === undefined ? undefined : await reportPng(report, browser).catch(() => undefined);
  if (picture === undefined)
    await info.attach(`${name}.svg`, { body: reportSvg(report), contentType: 'image/svg+xml' });
  else await info.attach(`${name}.png`, { body: Buffer.from(picture), contentType: 'image/png' });
}

function reportSvg(report: Report): string {
  return pictureSvg(divergencePicture(report, FIRST_VIEW, LIGHT), slimView(report, FIRST_VIEW));
}

/** The picture as the browser draws it, the report inside. */
async function reportPng(report: Report, browser: Browser): Promise<Uint8Array> {
  const picture = divergencePicture(report, FIRST_VIEW, LIGHT);
  const viewport = { width: picture.width, height: picture.height };
  const page = await browser.newPage({ viewport, deviceScaleFactor: SCALE });
  try {
    await page.setContent(`<!doctype html><style>body{margin:0}svg{display:block}</style>${svgText(picture.root)}`);
    const png = await page.screenshot({ type: 'png', clip: { x: 0, y: 0, ...viewport } });
    const texts = new Map([
      ['Title', picture.title],
      ['Description', picture.description],
      ['Software', `MoEscope ${report.tool.version}`],
      [PNG_KEYWORD, packView(slimView(report, FIRST_VIEW))],
    ]);
    return addPngTexts(png, texts);
  } finally {
    await page.close();
  }
}
