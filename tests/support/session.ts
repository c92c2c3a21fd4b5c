import { createInlinePool } from '../../src/cpu/pool/inline-pool';
import { memorySource } from '../../src/gguf/memory-source';
import { nodeSource } from '../../src/gguf/node-source';
import { openModel } from '../../src/gguf/open-model';
import type { ModelFile } from '../../src/gguf/model-file';
import type { Capture } from '../../src/model/engine';
import type { HParams } from '../../src/model/hparams';
import type { RunSpec, SessionEvent } from '../../src/session/events';
import type { Host } from '../../src/session/host';
import { ModelSession } from '../../src/session/model-session';
import { ProgressMeter } from '../../src/session/progress';
import type { SessionInput } from '../../src/session/session-input';
import { testContext } from './gpu';

export const TEST_HOST: Host = {
  runtime: 'node',
  openGpu: () => testContext(),
  createPool: (model) => createInlinePool(model),
};

/** A session over a file, or over a model in memory, on the software GPU. */
export async function testSession(
  model: string | Uint8Array<ArrayBuffer>,
  host: Host = TEST_HOST,
): Promise<ModelSession> {
  const source = typeof model === 'string' ? await nodeSource(model) : memorySource(model, 'generated.gguf');
  return new ModelSession(await openModel([source]), host);
}

export const BOTH: Omit<RunSpec, 'tokens'> = {
  engines: ['gpu', 'cpu'],
  mode: 'both',
  stages: 'all',
  layers: 'all',
  positions: 'all',
};

/** What `runSession` is told of a model, without a session; engines and what they do are the caller's. */
export function runInput(model: ModelFile, hparams: HParams): Omit<SessionInput, 'spec' | 'engines'> {
  return {
    model,
    hparams,
    meter: new ProgressMeter(() => undefined),
    adapter: undefined,
    parts: {
      tool: { name: 'moescope', version: '0', commit: '0' },
      runtime: 'node',
      model: {
        ...{ name: 'm', file: 'm.gguf', bytes: 0, headerSha256: '', arch: hparams.arch, quant: 'F32' },
        ...{ hparams, tensors: { count: 0, byType: {} } },
      },
      typeOf: (tensor) => model.tensors.get(tensor)?.type,
      tokenText: String,
      memory: () => ({ gpuWeightBytes: 0, gpuPeakBytes: 0, expertsRead: 0 }),
    },
    onEvent: () => undefined,
  };
}

export interface Recorded {
  readonly events: SessionEvent[];
  readonly captures: Map<string, Capture>;
}

/** Handlers that keep everything: events in order, captures by `folder/layer/stage`. */
export function recorder(): Recorded & {
  onEvent(event: SessionEvent): void;
  onCapture(folder: string, captured: Capture): void;
} {
  const events: SessionEvent[] = [];
  const captures = new Map<string, Capture>();
  return {
    events,
    captures,
    onEvent: (event) => {
      events.push(event);
    },
    onCapture: (folder, captured) => {
      captures.set(`${folder}/${captured.layer ?? '-'}/${captured.stage}`, captured);
    },
  };
}
