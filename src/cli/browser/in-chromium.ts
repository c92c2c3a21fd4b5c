import type { Page } from 'playwright-core';
import { throwIfAborted } from '../../base/abort';
import { fail } from '../../base/errors';
import { launchChromium } from './launch-chromium';
import { pageFolder } from './page-folder';
import { startStaticServer } from '../serve/static-server';
import { launchArguments } from './browser-adapter';
import type { TraceRequest } from '../trace/request';

/** One try with one kind of adapter. */
export interface Attempt {
  readonly page: Page;
  /** Where the built page is served. */
  readonly url: string;
  /** No other kind of adapter is left to be tried. */
  readonly isLast: boolean;
}

/**
 * Serves the built page on this machine and opens a headless Chromium on it, with one kind of adapter after another.
 * @param work resolves to undefined where the adapter will not do and another should be tried
 * @throws TracerError `gpu-unavailable` (no browser, no adapter), `run-cancelled`, and what `work` throws
 */
export async function inChromium<T>(
  adapter: TraceRequest['adapter'],
  signal: AbortSignal,
  work: (attempt: Attempt) => Promise<T | undefined>,
): Promise<T> {
  const server = await startStaticServer({ folder: await pageFolder(), host: 'localhost', port: 0 });
  const attempts = launchArguments(adapter);
  try {
    for (const [i, args] of attempts.entries()) {
      throwIfAborted(signal);
      const browser = await launchChromium(args);
      try {
        const page = await browser.newPage();
        const done = await work({ page, url: server.url, isLast: i === attempts.length - 1 });
        if (done !== undefined) return done;
      } finally {
        await browser.close();
      }
    }
  } finally {
    await server.close();
  }
  throw fail('gpu-unavailable', 'No adapter was found in Chromium.', 'Install a GPU driver.');
}
