import { browserWorker } from '../../src/cpu/pool/browser-worker';
import { createWorkerPool } from '../../src/cpu/pool/worker-pool';
import { openModel } from '../../src/gguf/open-model';
import { openSource } from '../../src/gguf/open-source';
import { browserGpu } from '../../src/gpu/browser-gpu';
import { openDevice } from '../../src/gpu/device';
import { SharedDevice } from '../../src/gpu/shared-device';
import type { Capture } from '../../src/model/engine';
import type { RunSpec } from '../../src/session/events';
import { ModelSession } from '../../src/session/model-session';
import type { HarnessRun, HarnessCapture } from './protocol';

/** One for all models: it compiles each kernel once, which is most of what these runs cost. */
const device = new SharedDevice(() => openDevice(browserGpu(), { adapter: 'any' }));
let session: ModelSession | undefined;

async function open(url: string): Promise<void> {
  await session?.dispose();
  const blob = await (await fetch(url)).blob();
  const model = await openModel([await openSource({ kind: 'blob', name: 'model.gguf', blob })]);
  session = new ModelSession(model, {
    runtime: 'browser',
    openGpu: () => device.context(),
    createPool: (file) => createWorkerPool(file, [browserWorker()]),
  });
}

/** Runs the engine as the page does, but can hand every captured tensor to the test. */
async function trace(spec: RunSpec, keepCaptures: boolean): Promise<HarnessRun> {
  if (session === undefined) throw new Error('open() comes first');
  const captures: HarnessCapture[] = [];
  const report = await session.run(spec, {
    onEvent: () => undefined,
    onCapture: (folder, captured) => {
      if (keepCaptures) captures.push(plain(folder, captured));
    },
  });
  const { sentence, status } = report.verdict;
  const worst = report.rows.reduce((x, row) => Math.max(x, row.maxRatio ?? 0), 0);
  return {
    captures,
    sentence,
    status,
    adapter: report.adapter?.description ?? '',
    isSoftware: report.adapter?.isSoftware ?? false,
    worst,
    isolated: report.rows.filter((row) => row.mode === 'isolated' && row.count > 0).length,
  };
}

function plain(folder: string, captured: Capture): HarnessCapture {
  const bytes = new Uint8Array(captured.data.buffer, captured.data.byteOffset, captured.data.byteLength);
  let text = '';
  for (let i = 0; i < bytes.length; i += 4096) text += String.fromCharCode(...bytes.subarray(i, i + 4096));
  return {
    folder,
    stage: captured.stage,
    ...(captured.layer === undefined ? {} : { layer: captured.layer }),
    shape: captured.shape,
    base64: btoa(text),
  };
}

window.harness = { open, trace };
