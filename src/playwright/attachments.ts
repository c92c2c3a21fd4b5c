import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Browser, TestInfo } from '@playwright/test';
import { fileNameText } from '../base/foreign-text';
import { drawPicture } from '../cli/share/render-png';
import { pictureTexts } from '../cli/share/write-shared';
import type { Report } from '../divergence/report';
import { reportToJson } from '../divergence/report-json';
import { sheetPicture, type Picture } from '../share/picture';
import { pictureSvg } from '../share/picture-svg';
import { addPngTexts } from '../share/png-text';
import { withoutPrompt } from '../share/redact';
import type { SharedView } from '../share/shared-view';
import { slimView } from '../share/slim-report';
import { FIRST_VIEW } from '../share/view-state';
import type { TestRun } from './settings';

/** Attaches a run to its test: the report as JSON, and its picture, without the prompt, which opens on the page again. */
export async function attachRun(info: TestInfo, { report, browser }: TestRun, number: number): Promise<void> {
  const name = `${number}-${fileNameText(report.model.file.replace(/\.gguf$/i, ''))}.moescope`;
  await attach(info, `${name}.json`, 'application/json', `${reportToJson(report, 1)}\n`);
  const { picture, shared } = await drawn(report);
  const png = browser === undefined ? undefined : await pngOf(picture, shared, browser).catch(() => undefined);
  if (png === undefined) {
    await attach(info, `${name}.svg`, 'image/svg+xml', pictureSvg(picture, shared));
    return;
  }
  await attach(info, `${name}.png`, 'image/png', png);
}

/** As a file below `test-results/`: what is attached as a body is kept by some reporters only. */
async function attach(info: TestInfo, name: string, contentType: string, content: string | Uint8Array): Promise<void> {
  const path = info.outputPath(name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
  await info.attach(name, { path, contentType });
}

async function drawn(report: Report): Promise<{ readonly picture: Picture; readonly shared: SharedView }> {
  const leaving = await withoutPrompt(report);
  return { picture: sheetPicture(leaving, FIRST_VIEW), shared: slimView(leaving, FIRST_VIEW) };
}

async function pngOf(picture: Picture, shared: SharedView, browser: Browser): Promise<Uint8Array> {
  return addPngTexts(await drawPicture(picture, browser), pictureTexts(picture, shared));
}
