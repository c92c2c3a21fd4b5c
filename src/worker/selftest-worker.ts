import { expose } from 'comlink';
import { browserGpu } from '../gpu/browser-gpu';
import { openDevice } from '../gpu/device';
import { SELFTEST_CASES } from '../selftest/all-cases';
import { runSelftest } from '../selftest/run-selftest';
import { selectCases } from '../selftest/select-cases';
import type { SelftestOrder } from '../selftest/selftest-client';
import type { SelftestReport, SelftestRow } from '../selftest/selftest-report';
import { browserCard } from './browser-card';
import { carryErrorCodes } from './error-transfer';

let abort = new AbortController();

const service = {
  async run(
    order: SelftestOrder,
    onRow: (row: SelftestRow, done: number, total: number) => void,
  ): Promise<SelftestReport> {
    abort = new AbortController();
    const cases = selectCases(SELFTEST_CASES, order);
    const context = await openDevice(browserGpu(), { adapter: 'any' });
    try {
      return await runSelftest(context, cases, {
        runtime: 'browser',
        browser: browserCard(navigator.userAgent),
        everything: order.everything,
        signal: abort.signal,
        onRow,
      });
    } finally {
      context.dispose();
    }
  },
  cancel(): void {
    abort.abort();
  },
};
export type SelftestService = typeof service;

carryErrorCodes();
expose(service);
