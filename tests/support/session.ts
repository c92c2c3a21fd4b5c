import { createInlinePool } from '../../src/cpu/pool/inline-pool';
import { memorySource } from '../../src/gguf/memory-source';
import { nodeSource } from '../../src/gguf/node-source';
import { openModel } from '../../src/gguf/open-model';
import type { Tap } from '../../src/model/engine';
import type { RunSpec, SessionEvent } from '../../src/session/events';
import type { Host } from '../../src/session/host';
import { ModelSession } from '../../src/session/model-session';
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
  arms: ['gpu', 'cpu'],
  mode: 'both',
  stages: 'all',
  layers: 'all',
  positions: 'all',
};

export interface Recorded {
  readonly events: SessionEvent[];
  readonly taps: Map<string, Tap>;
}

/** Handlers that keep everything: events in order, taps by `folder/layer/stage`. */
export function recorder(): Recorded & { onEvent(event: SessionEvent): void; onTap(folder: string, tap: Tap): void } {
  const events: SessionEvent[] = [];
  const taps = new Map<string, Tap>();
  return {
    events,
    taps,
    onEvent: (event) => {
      events.push(event);
    },
    onTap: (folder, tap) => {
      taps.set(`${folder}/${tap.layer ?? '-'}/${tap.stage}`, tap);
    },
  };
}
