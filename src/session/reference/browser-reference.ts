import { workerOf } from '../../cpu/pool/browser-worker';
import type { ReferenceWorker } from './protocol';

/** The reference's thread of the page. */
export function browserReference(): ReferenceWorker {
  return workerOf(
    new Worker(new URL('./browser-entry.ts', import.meta.url), { type: 'module', name: 'moescope-reference' }),
  );
}
