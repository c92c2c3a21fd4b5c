import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';
import { startLiveProcess } from '../../src/engine/llama-cpp/child-process';
import { findInstalled, type Installed } from '../../src/engine/llama-cpp/install-folder';
import { createLiveEngine } from '../../src/engine/llama-cpp/live-engine';
import { setUpLlamaCpp } from '../../src/engine/llama-cpp/setup';
import { openModel } from '../../src/gguf/open-model';
import { nodeSource } from '../../src/gguf/node-source';
import type { StepResult, Capture } from '../../src/model/engine';
import type { HParams } from '../../src/model/hparams';
import {
  liveBackend,
  type LiveEngineId,
  type LiveBackend,
  type LiveEngine,
  type LiveOptions,
} from '../../src/model/live';
import type { StageId } from '../../src/model/stages';
import { LAYER_STAGES, MODEL_STAGES } from '../support/stages';
import { readHParams } from '../../src/model/read-hparams';
import { goldenModelPath } from '../support/golden';
import { locationKey } from '../../src/model/location';

let built: Promise<string> | undefined;

/** The child process's code, built once a test process. */
export function liveEntry(): Promise<string> {
  built ??= (async () => {
    const folder = mkdtempSync(join(tmpdir(), 'moescope-live-'));
    await build({
      configFile: false,
      logLevel: 'silent',
      build: {
        ssr: true,
        outDir: folder,
        rolldownOptions: {
          input: {
            'llama-cpp-child': fileURLToPath(new URL('../../src/engine/llama-cpp/child-entry.ts', import.meta.url)),
          },
        },
      },
    });
    return join(folder, 'llama-cpp-child.js');
  })();
  return built;
}

/** llama.cpp in the repository's cache, installed by what `moescope setup llama.cpp` runs; there after the first time. */
export async function installedHere(engine: LiveEngineId = 'llama.cpp:cpu'): Promise<Installed> {
  const backend = liveBackend(engine) ?? 'cpu';
  const folder = fileURLToPath(new URL('../../.cache/llama-cpp', import.meta.url));
  await setUpLlamaCpp([backend], folder, process);
  return findInstalled(backend, undefined, process, { env: { MOESCOPE_LLAMA_CPP: folder }, from: folder });
}

export interface LiveRun {
  readonly engine: LiveEngine;
  readonly hparams: HParams;
  /** All captures of a prompt, by `locationKey`, and what was not measured. */
  run(
    tokens: readonly number[],
    nPast?: number,
  ): Promise<{ readonly captures: ReadonlyMap<string, Capture>; readonly unmeasured: ReadonlySet<string> }>;
}

/** A live engine on a golden model. @param other what is given to it in place of what fits */
export async function liveOn(
  model: string,
  options: LiveOptions = {},
  id: LiveEngineId = 'llama.cpp:cpu',
  other: {
    readonly backend?: LiveBackend;
    readonly model?: string;
    readonly installed?: Partial<Installed>;
    readonly env?: Readonly<Record<string, string>>;
  } = {},
): Promise<LiveRun> {
  const path = goldenModelPath(model);
  const file = await openModel([await nodeSource(path)]);
  const hparams = readHParams(file);
  await file.close();
  const entry = await liveEntry();
  const engine = createLiveEngine({
    id,
    backend: other.backend ?? liveBackend(id) ?? 'cpu',
    model: other.model ?? path,
    hparams,
    installed: { ...(await installedHere(id)), ...other.installed },
    options: { threads: 2, ...options },
    cores: 2,
    start: () => startLiveProcess(entry, other.env),
  });
  return {
    engine,
    hparams,
    async run(tokens, nPast = 0) {
      const positions = tokens.map((_, i) => nPast + i);
      const all = (stages: readonly StageId[]) => ({
        capture: new Map(stages.map((stage) => [stage, positions] as const)),
      });
      const captures = new Map<string, Capture>();
      const unmeasured = new Set<string>();
      const keep = (layer: number | undefined, result: StepResult): void => {
        for (const [stage, captured] of result.captures) captures.set(locationKey(layer, stage), captured);
        for (const stage of result.unmeasured ?? []) unmeasured.add(locationKey(layer, stage));
      };
      keep(undefined, await engine.begin(Uint32Array.from(tokens), nPast, all(['embedding'])));
      for (let layer = 0; layer < hparams.nLayer; layer++) keep(layer, await engine.layer(layer, all(LAYER_STAGES)));
      keep(undefined, await engine.end(all(MODEL_STAGES.filter((stage) => stage !== 'embedding'))));
      return { captures, unmeasured };
    },
  };
}
