import type { Browser, TestInfo } from '@playwright/test';
import { drawPicture } from '../cli/share/render-png';
import { pictureTexts } from '../cli/share/write-shared';
import type { Report } from '../divergence/report';
import { reportToJson } from '../divergence/report-json';
import { LIGHT } from '../share/palette';
import { divergencePicture, type Picture } from '../share/picture';
import { pictureSvg } from '../share/picture-svg';
import { addPngTexts } from '../share/png-text';
import { withoutPrompt } from '../share/redact';
import type { SharedView } from '../share/shared-view';
import { slimView } from '../share/slim-report';
import { FIRST_VIEW } from '../share/view-state';
import type { TestRun } from './settings';

/** Attaches a run to its test: the report as JSON, and its picture, without the prompt, which opens on the page again. */
export async function attachRun(info: TestInfo, { report, browser }: TestRun, number: number): Promise<void> {
  const name = `${number}-${report.model.file.replace(/\.gguf$/i, '').replace(/[^\w.-]+/g, '-')}.moescope`;
  await info.attach(`${name}.json`, { body: `${reportToJson(report, 1)}\n`, contentType: 'application/json' });
  const { picture, shared } = await drawn(report);
  const png = browser === undefined ? undefined : await pngOf(picture, shared, browser).catch(() => undefined);
  if (png === undefined) {
    await info.attach(`${name}.svg`, { body: pictureSvg(picture, shared), contentType: 'image/svg+xml' });
    return;
  }
  await info.attach(`${name}.png`, { body: Buffer.from(png), contentType: 'image/png' });
}

async function drawn(report: Report): Promise<{ readonly picture: Picture; readonly shared: SharedView }> {
  const leaving = await withoutPrompt(report);
  return { picture: divergencePicture(leaving, FIRST_VIEW, LIGHT), shared: slimView(leaving, FIRST_VIEW) };
}

async function pngOf(picture: Picture, shared: SharedView, browser: Browser): Promise<Uint8Array> {
  return addPngTexts(await drawPicture(picture, browser), pictureTexts(picture, shared));
}
