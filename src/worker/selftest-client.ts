import { proxy, wrap, type Remote } from 'comlink';
import { fail } from '../base/errors';
import type { SelftestClient } from '../selftest/selftest-client';
import { carryErrorCodes } from './error-transfer';
import type { SelftestService } from './selftest-worker';

const NAME = 'moescope-selftest';

/** The self-test in a Web Worker of its own, which starts with the first run. */
export function createSelftestClient(): SelftestClient {
  carryErrorCodes();
  let service: Remote<SelftestService> | undefined;
  let crashed: Promise<never>;
  return {
    run(order, onRow) {
      if (service === undefined) {
        const worker = new Worker(new URL('./selftest-worker.ts', import.meta.url), { type: 'module', name: NAME });
        crashed = new Promise<never>((_, reject) => {
          worker.onerror = (event) => {
            const reason = event.message || 'its script could not be loaded';
            const remedy = 'Reload the page; if it happens again, please report it.';
            reject(fail('internal', `The self-test's worker failed: ${reason}.`, remedy, { worker: NAME }));
          };
        });
        crashed.catch(() => undefined);
        service = wrap<SelftestService>(worker);
      }
      return Promise.race([service.run(order, proxy(onRow)), crashed]);
    },
    cancel() {
      void service?.cancel();
    },
  };
}
