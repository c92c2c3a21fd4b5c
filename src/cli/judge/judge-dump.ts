import { fail } from '../../base/errors';
import { createCpuEngine } from '../../cpu/engine/cpu-engine';
import { createGgmlCpuEngine, createQ8BlockEngine } from '../../cpu/ggml/ggml-engine';
import type { ModelFile } from '../../gguf/model-file';
import { judgeTrace } from '../../judge/judge-trace';
import type { Judgement } from '../../judge/judgement';
import type { HParams } from '../../model/hparams';
import { readHParams } from '../../model/read-hparams';
import { checkWeights, weightInFile } from '../../model/bound-weights';
import type { Trace } from '../../trace/trace';
import { chooseEngine } from '../diff/choose-engine';
import { ENGINE_A } from '../diff/diff-options';
import { readOperand, type Operand } from '../diff/read-operand';
import { openNamedModel } from '../files/open-model';
import { nodeHost } from '../trace/node-runtime';

/** A model that other engines' captures are judged by. */
export interface DumpJudge {
  readonly model: ModelFile;
  /** What the file says and nobody reads. */
  readonly notes: readonly string[];
  readonly hparams: HParams;
  judge(dump: Operand, engine: string | undefined, signal: AbortSignal): Promise<Judgement>;
  dispose(): Promise<void>;
}

/** @throws TracerError of a model that cannot be run */
export async function openDumpJudge(names: readonly string[], signal: AbortSignal): Promise<DumpJudge> {
  const model = await openNamedModel(names, { signal });
  const pool = nodeHost({ adapter: 'any' }).createPool(model);
  const dispose = async (): Promise<void> => {
    await pool.dispose();
    await model.close();
  };
  try {
    const hparams = readHParams(model);
    return {
      model,
      notes: checkWeights(model, hparams),
      hparams,
      judge: (dump, engine, ended) =>
        judgeTrace({
          trace: ownRun(dump, engine),
          hparams,
          typeOf: (tensor) => weightInFile(model, hparams, tensor)?.type,
          inFile: (tensor, expert) => weightInFile(model, hparams, tensor, expert),
          exact: createCpuEngine({ model, hparams, pool }),
          quantised: createGgmlCpuEngine({ model, hparams, pool }),
          blocks: createQ8BlockEngine({ model, hparams, pool }),
          signal: ended,
        }),
      dispose,
    };
  } catch (error) {
    await dispose();
    throw error;
  }
}

/** Reads a dump, and refuses one that cannot be judged before a model is opened. @throws TracerError `usage`, `source-read`, `trace-format` */
export async function readDump(path: string, engine: string | undefined): Promise<Operand> {
  const operand = await readOperand(path);
  ownRun(operand, engine);
  return operand;
}

/** The run of a dump in which the engine fed itself. @throws TracerError `usage` */
export function ownRun(operand: Operand, engine: string | undefined): Trace {
  const { free } = chooseEngine(operand, engine, `--${ENGINE_A.name}`);
  if (free !== undefined) return free;
  const { path } = operand;
  throw fail('usage', `${path} holds no captures of an engine that fed itself.`, 'Name the engine with --engine-a.', {
    path,
  });
}
