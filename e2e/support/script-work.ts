import type { CDPSession, Page } from '@playwright/test';

/**
 * What a page's scripts do, counted by V8 (its precise coverage): how often each function and each block of one ran. Unlike a time it is the
 * same on every processor and beside any other load, so it can be held to a limit that a little more work exceeds. Layout and painting are
 * not in it.
 */
export class ScriptWork {
  readonly #session: CDPSession;

  private constructor(session: CDPSession) {
    this.#session = session;
  }

  static async of(page: Page): Promise<ScriptWork> {
    const session = await page.context().newCDPSession(page);
    await session.send('Profiler.enable');
    await session.send('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
    return new ScriptWork(session);
  }

  /** Blocks that ran since the last call, of scripts that the page fetched: those of the test itself have no address. */
  async blocks(): Promise<number> {
    const { result } = await this.#session.send('Profiler.takePreciseCoverage');
    const ranges = result
      .filter(({ url }) => url.startsWith('http'))
      .flatMap(({ functions }) => functions.flatMap((one) => one.ranges));
    return ranges.reduce((sum, { count }) => sum + count, 0);
  }

  /** Nodes of the document, those that are in no tree any more included. */
  async nodes(): Promise<number> {
    await this.#session.send('Performance.enable');
    const { metrics } = await this.#session.send('Performance.getMetrics');
    return metrics.find(({ name }) => name === 'Nodes')?.value ?? NaN;
  }
}
