import { expose } from 'comlink';
import { browserWorker, CPU_WORKERS } from '../cpu/pool/browser-worker';
import { createWorkerPool } from '../cpu/pool/worker-pool';
import { browserTemplateThread } from '../tokenizer/template-thread/browser';
import { rendererIn } from '../tokenizer/template-thread/renderer';
import { openDevice } from '../gpu/device';
import { browserGpu } from '../gpu/browser-gpu';
import { browserCard } from './browser-card';
import { browserMemory } from './browser-memory';
import { EngineService } from './engine-service';
import { browserJudge } from '../session/judging/browser-judge';
import { judgesFor } from '../session/judging/judge-pool';
import { browserReference } from '../session/reference/browser-reference';
import { referenceFor } from '../session/reference/reference-thread';
import { carryErrorCodes } from './error-transfer';

/** A lock that is held as long as this worker lives: how the page hears of its end (`engine-thread.ts`). Resolves when it is held. */
const alive = new Promise<void>((resolve) => {
  if (!('locks' in navigator)) resolve();
  else {
    void navigator.locks.request(self.name, () => {
      resolve();
      return new Promise<never>(() => undefined);
    });
  }
});

carryErrorCodes();
const service = new EngineService(
  {
    runtime: 'browser',
    browser: browserCard(navigator.userAgent),
    memoryBytes: browserMemory(navigator),
    openGpu: () => openDevice(browserGpu(), { adapter: 'any' }),
    renderChat: rendererIn(browserTemplateThread),
    createPool: (model) => createWorkerPool(model, Array.from({ length: CPU_WORKERS }, browserWorker)),
    createJudges: (model, hparams) => judgesFor(model, hparams, CPU_WORKERS, browserJudge),
    createReference: (model, hparams, hooks) => referenceFor(model, hparams, CPU_WORKERS, hooks, browserReference),
  },
  CPU_WORKERS,
  undefined,
  alive,
);
expose(service);
