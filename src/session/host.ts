import type { ExactEngine } from '../cpu/engine/cpu-engine';
import type { CpuPool } from '../cpu/pool/cpu-pool';
import type { Report } from '../divergence/report';
import type { ModelFile } from '../gguf/model-file';
import type { TuningStore } from '../gpu/decode/tuner';
import type { GpuContext } from '../gpu/device';
import type { EngineHooks } from '../model/engine';
import type { HParams } from '../model/hparams';
import type { RenderChat } from '../tokenizer/template-thread/renderer';
import type { JudgePool } from './judging/judge-pool';
import type { LiveEngineId, LiveEngine, LiveOptions } from '../model/live';

/** What differs between the page and Node: where a GPU and worker threads come from. */
export interface Host {
  readonly runtime: Report['runtime'];
  readonly browser?: Report['browser'];
  /** Opens a device; the session disposes it. @throws TracerError `gpu-unavailable`, `gpu-adapter`. */
  openGpu(): Promise<GpuContext>;
  /** Bytes of memory that this process may have at all. Absent where nobody says. */
  readonly memoryBytes?: number | undefined;
  /** Starts the reference's workers for a model; the session disposes them. */
  createPool(model: ModelFile): CpuPool;
  /** Threads that judge layers, each with engines and readers of its own; the session disposes them. Absent: the reference's engine judges. */
  readonly createJudges?: (model: ModelFile, hparams: HParams) => JudgePool | undefined;
  /** The exact engine in a thread of its own; the session disposes it. Absent or undefined: it runs in this thread, with a pool of the session. */
  readonly createReference?: (model: ModelFile, hparams: HParams, hooks: EngineHooks) => ExactEngine | undefined;
  /** A live llama.cpp on the model, which is its own reader of the file; the session disposes it. Absent where no process can be started. */
  readonly openLive?: (engine: LiveEngineId, model: ModelFile, hparams: HParams, options: LiveOptions) => LiveEngine;
  /** Renders chat templates in a thread that can be ended. Absent: in this thread, which a hostile template can hold up. */
  readonly renderChat?: RenderChat;
  /** Where the decoder's tuning is kept from one process to the next. */
  readonly tuning?: TuningStore;
}
