import { fail } from '../../base/errors';
import { createCpuEngine } from '../../cpu/engine/cpu-engine';
import { createGgmlCpuEngine } from '../../cpu/ggml/ggml-engine';
import type { ModelFile } from '../../gguf/model-file';
import { judgeTrace, type Judgement } from '../../judge/judge-trace';
import { readHParams } from '../../model/read-hparams';
import { checkWeights, weightInFile } from '../../model/weights';
import { chooseArm } from '../diff/choose-arm';
import { ARM_A } from '../diff/diff-options';
import { readOperand, type Operand } from '../diff/read-operand';
import { openNamedModel } from '../files/open-model';
import { nodeHost } from '../trace/node-runtime';

/** A model that other engines' captures are judged by. */
export interface DumpJudge {
  readonly model: ModelFile;
  /** What the file says and nobody reads. */
  readonly notes: readonly string[];
  judge(dump: Operand, engine: string | undefined, signal: AbortSignal): Promise<Judgement>;
  dispose(): Promise<void>;
}

/** @throws TracerError of a model that cannot be run */
export async function openDumpJudge(name: string, signal: AbortSignal): Promise<DumpJudge> {
  const model = await openNamedModel(name, { signal });
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
      judge: (dump, engine, ended) =>
        judgeTrace({
          trace: ownRun(dump, engine),
          hparams,
          typeOf: (tensor) => weightInFile(model, hparams, tensor)?.type,
          exact: createCpuEngine({ model, hparams, pool }),
          quantised: createGgmlCpuEngine({ model, hparams, pool }),
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

function ownRun(operand: Operand, engine: string | undefined): NonNullable<ReturnType<typeof chooseArm>['free']> {
  const { free } = chooseArm(operand, engine, `--${ARM_A.name}`);
  if (free !== undefined) return free;
  const { path } = operand;
  throw fail('usage', `${path} holds no captures of an engine that fed itself.`, 'Name the engine with --arm-a.', {
    path,
  });
}
