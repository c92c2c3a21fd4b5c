import { workerOf } from '../../cpu/pool/browser-worker';
import type { JudgeWorker } from './protocol';

/** A judging thread of the page. */
export function browserJudge(): JudgeWorker {
  return workerOf(
    new Worker(new URL('./browser-entry.ts', import.meta.url), { type: 'module', name: 'moescope-judge' }),
  );
}
