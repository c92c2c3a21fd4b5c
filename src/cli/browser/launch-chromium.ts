import type { Browser } from 'playwright-core';
import { findChromium } from '../../../scripts/lib/chromium.mjs';
import { fail } from '../../base/errors';

/**
 * Starts a Chromium of this machine, headless.
 * @param args what it is started with besides
 * @throws TracerError `gpu-unavailable`: none was found, or it does not start
 */
export async function launchChromium(args: readonly string[]): Promise<Browser> {
  const { chromium } = await import('playwright-core').catch((error: unknown) => {
    const remedy = 'npm install playwright-core, or use --runtime node.';
    throw fail('gpu-unavailable', 'playwright-core, which drives the browser, is not installed.', remedy, {}, error);
  });
  const executablePath = findChromium();
  if (executablePath === undefined) {
    throw fail('gpu-unavailable', 'No Chromium was found.', 'Install Chromium or Chrome, or set CHROME_PATH to one.', {
      looked: 'CHROME_PATH, PATH, Playwright',
    });
  }
  // An interrupt is ours to handle: the browser is closed on every way out.
  try {
    const signals = { handleSIGINT: false, handleSIGTERM: false, handleSIGHUP: false };
    const launch = (chromiumSandbox: boolean): Promise<Browser> =>
      chromium.launch({ executablePath, headless: true, chromiumSandbox, args: [...args], ...signals });
    // Root has no sandbox, and some containers allow none.
    if (process.getuid?.() === 0) return await launch(false);
    return await launch(true).catch((error: unknown) => {
      if (error instanceof Error && /sandbox|namespace/i.test(error.message)) return launch(false);
      throw error;
    });
  } catch (error) {
    const reason = error instanceof Error ? (error.message.split('\n', 1)[0] ?? '') : String(error);
    const remedy = 'Start it by hand to see why, or set CHROME_PATH to another.';
    throw fail('gpu-unavailable', `${executablePath} does not start: ${reason}`, remedy, { executablePath }, error);
  }
}
