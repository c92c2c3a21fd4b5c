import { createCpuEngine } from '../../src/cpu/engine/cpu-engine';
import { createGgmlCpuEngine, createQ8BlockEngine } from '../../src/cpu/ggml/ggml-engine';
import { createInlinePool } from '../../src/cpu/pool/inline-pool';
import { startLiveProcess } from '../../src/engine/llama-cpp/child-process';
import type { Installed } from '../../src/engine/llama-cpp/install-folder';
import { createLiveEngine } from '../../src/engine/llama-cpp/live-engine';
import type { ModelFile } from '../../src/gguf/model-file';
import { nodeSource } from '../../src/gguf/node-source';
import { openModel } from '../../src/gguf/open-model';
import { judgeTrace } from '../../src/judge/judge-trace';
import type { Judgement } from '../../src/judge/judgement';
import type { IsolatingEngine, Capture } from '../../src/model/engine';
import { stagesOfStep } from '../../src/model/graph-of';
import type { HParams } from '../../src/model/hparams';
import type { LiveFacts, LiveOptions } from '../../src/model/live';
import { readHParams } from '../../src/model/read-hparams';
import { isBeforeLayers, type StageId } from '../../src/model/stages';
import { weightInFile } from '../../src/model/bound-weights';
import { createTrace, type Trace } from '../../src/trace/trace';
import { installedHere, liveEntry } from '../engine/llama-cpp-support';

/** A model that live runs are judged by. */
export interface LiveJudge {
  readonly model: ModelFile;
  readonly hparams: HParams;
  readonly exact: IsolatingEngine;
  readonly quantised: IsolatingEngine;
  /** Runs llama.cpp on the model, or on another copy of it. */
  run(
    tokens: readonly number[],
    how?: LiveRunOptions,
  ): Promise<{ readonly trace: Trace; readonly facts: LiveFacts | undefined }>;
  judge(trace: Trace): Promise<Judgement>;
  close(): Promise<void>;
}

export interface LiveRunOptions extends LiveOptions {
  /** Another llama.cpp than the pinned one. */
  readonly installed?: Installed;
}

/** Every stage can be captured: no attention in one kernel. */
export const PLAIN: LiveOptions = { flashAttention: 'off', kv: 'f32' };

export async function openLiveJudge(path: string): Promise<LiveJudge> {
  const model = await openModel([await nodeSource(path)]);
  const hparams = readHParams(model);
  const pool = createInlinePool(model);
  const own = { model, hparams, pool };
  const [exact, quantised, blocks] = [createCpuEngine(own), createGgmlCpuEngine(own), createQ8BlockEngine(own)];
  return {
    model,
    hparams,
    exact,
    quantised,
    async run(tokens, { installed, ...options } = {}) {
      const entry = await liveEntry();
      const engine = createLiveEngine({
        id: 'llama.cpp:cpu',
        backend: 'cpu',
        model: path,
        hparams,
        installed: installed ?? (await installedHere()),
        options: { threads: 1, ...options },
        cores: 1,
        start: () => startLiveProcess(entry),
      });
      try {
        const positions = tokens.map((_, i) => i);
        const all = (stages: readonly StageId[]) => ({
          capture: new Map(stages.map((id) => [id, positions] as const)),
        });
        const ofModel = stagesOfStep(hparams, undefined);
        const captures: Capture[] = [];
        const begun = await engine.begin(Uint32Array.from(tokens), 0, all(ofModel.filter(isBeforeLayers)));
        captures.push(...begun.captures.values());
        for (let layer = 0; layer < hparams.nLayer; layer++)
          captures.push(...(await engine.layer(layer, all(stagesOfStep(hparams, layer)))).captures.values());
        captures.push(...(await engine.end(all(ofModel.filter((id) => !isBeforeLayers(id))))).captures.values());
        return { trace: createTrace({ arm: 'llama.cpp:cpu', mode: 'free', tokens }, captures), facts: engine.facts() };
      } finally {
        await engine.dispose();
      }
    },
    judge: (trace) =>
      judgeTrace({
        trace,
        hparams,
        typeOf: (tensor) => weightInFile(model, hparams, tensor)?.type,
        inFile: (tensor, expert) => weightInFile(model, hparams, tensor, expert),
        exact,
        quantised,
        blocks,
      }),
    async close() {
      await pool.dispose();
      await model.close();
    },
  };
}
