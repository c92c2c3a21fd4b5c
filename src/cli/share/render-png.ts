import { readdir, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { findChromium } from '../../../scripts/lib/chromium.mjs';
import { fail, toErrorData } from '../../base/errors';
import { svgText } from '../../plots/svg';
import type { Picture } from '../../share/picture';
import { launchChromium } from '../browser/launch-chromium';
import { pageFolder } from '../browser/page-folder';
import { QUIET_ARGUMENTS } from '../browser/browser-adapter';

/** Pixels a layout unit, as on the page. */
const SCALE = 2;

/**
 * Makes sure that a picture can be drawn, before the work that leads to it.
 * @throws TracerError `usage`: there is no Chromium, or nothing to drive it with
 */
export function checkPng(): void {
  if (findChromium() === undefined) throw noChromium('none was found');
  try {
    createRequire(import.meta.url).resolve('playwright-core');
  } catch (cause) {
    throw fail(
      'usage',
      '--png draws with playwright-core, which is not installed.',
      'npm install playwright-core, or use --svg or --html, which need nothing.',
      {},
      cause,
    );
  }
}

/**
 * The picture as PNG, drawn by headless Chromium with the page's own faces where the page is built.
 * @throws TracerError `usage`: there is no Chromium, or it does not start
 */
export async function renderPng(picture: Picture): Promise<Uint8Array> {
  const browser = await launchChromium(QUIET_ARGUMENTS).catch((error: unknown) => {
    throw noChromium(toErrorData(error).message, error);
  });
  try {
    return await drawPicture(picture, browser);
  } finally {
    await browser.close();
  }
}

/** The same with a browser that is there: in a page of its own, which is closed again. */
export async function drawPicture(picture: Picture, browser: Browser): Promise<Uint8Array> {
  const viewport = { width: picture.width, height: picture.height };
  const page = await browser.newPage({ viewport, deviceScaleFactor: SCALE });
  try {
    const style = `${await fontFaces()}body{margin:0}svg{display:block}`;
    const html = `<!doctype html><meta charset="utf-8"><style>${style}</style>${svgText(picture.root)}`;
    await page.setContent(html, { waitUntil: 'load' });
    await page.evaluate(() => document.fonts.ready.then(() => undefined));
    return await page.screenshot({ type: 'png', clip: { x: 0, y: 0, ...viewport } });
  } finally {
    await page.close();
  }
}

function noChromium(reason: string, cause?: unknown): Error {
  return fail(
    'usage',
    `--png needs a Chromium or Chrome to draw with: ${reason}`,
    'Install one, set CHROME_PATH to one, or use --svg or --html, which need none.',
    {},
    cause,
  );
}

/** Families by the names that their files have in the built page: `ibm-plex-sans-latin-400-normal-<hash>.woff2`. */
const FAMILIES: Readonly<Record<string, string>> = {
  'ibm-plex-sans': 'IBM Plex Sans',
  'ibm-plex-mono': 'IBM Plex Mono',
  'source-serif-4': 'Source Serif 4',
};

/** The page's faces as style rules; none where the page is not built: the picture names others behind them. */
async function fontFaces(): Promise<string> {
  const folder = join(await pageFolder().catch(() => ''), 'assets');
  const names = await readdir(folder).catch(() => []);
  const rules = names.map(async (name) => {
    const [, file = '', weight = ''] = /^(.+)-latin-(\d+)-normal-.*\.woff2$/.exec(name) ?? [];
    const family = FAMILIES[file];
    if (family === undefined) return '';
    const data = (await readFile(join(folder, name))).toString('base64');
    return `@font-face{font-family:'${family}';font-weight:${weight};src:url(data:font/woff2;base64,${data}) format('woff2')}`;
  });
  return (await Promise.all(rules)).join('');
}
