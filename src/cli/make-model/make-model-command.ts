import { say } from '../../base/foreign-text';
import { fail } from '../../base/errors';
import { formatBytes, formatDuration } from '../../base/format';
import { partName } from '../../gguf/split-names';
import { makeRecipe } from '../../synthetic/make-recipe';
import { modelToWrite } from '../../synthetic/model-to-write';
import { splitModel } from '../../synthetic/split';
import { writeModelFiles, type FileToWrite } from '../../synthetic/write-model';
import type { Arguments } from '../command-line/arguments';
import { JSON_FILE, QUIET } from '../command-line/shared-options';
import { exitCode } from '../command-line/exit-codes';
import { archOf, namedShape, shapeOfArch, type ShapeName } from '../../synthetic/shapes';
import {
  ARCH,
  EPS,
  FORCE,
  HEAD_DIM,
  N_EMBD,
  N_EXPERT,
  N_EXPERT_USED,
  N_FF_EXP,
  N_HEAD,
  N_HEAD_KV,
  N_LAYER,
  N_VOCAB,
  SEED,
  SHAPE,
  SPLIT,
  THETA,
  TIED,
  TYPE,
} from './make-model-options';
import { checkOutputs, writeOutput } from '../files/output';
import type { CommandRunner } from '../command-line/command-runner';
import { byteProgress } from '../terminal/byte-progress';

/** `moescope make-model OUT`: a seeded random model of any shape and type. Prints the paths written. */
export const makeModelCommand: CommandRunner = async (args, terminal, signal) => {
  const [out = ''] = args.operands;
  const jsonFile = args.get(JSON_FILE);
  await checkOutputs([jsonFile]);
  const files = filesToWrite(args, out);
  const started = performance.now();
  const progress = byteProgress('Writing', terminal, args.has(QUIET));
  const bytes = await writeModelFiles(files, {
    force: args.has(FORCE),
    onProgress: progress.show,
    signal,
  }).finally(() => {
    progress.clear();
  });
  const seconds = (performance.now() - started) / 1000;
  if (!args.has(QUIET)) {
    const rate = `${formatBytes(bytes)} in ${formatDuration(seconds)}, ${formatBytes(bytes / seconds)}/s`;
    terminal.err(say`Wrote ${rate}\n`);
  }
  const paths = files.map(({ path }) => path);
  if (jsonFile !== undefined) {
    await writeOutput(jsonFile, `${JSON.stringify({ files: paths, bytes, seconds }, undefined, 2)}\n`, terminal);
  }
  if (jsonFile !== '-') for (const path of paths) terminal.out(say`${path}\n`);
  return exitCode('pass');
};

/** The shape that is asked for. @throws TracerError `usage` where it is of another architecture than is */
function shapeOf(args: Arguments): ShapeName {
  const [arch, shape] = [args.get(ARCH), args.get(SHAPE)];
  if (shape === undefined) return arch === undefined ? 'tiny' : shapeOfArch(arch);
  if (arch === undefined || archOf(namedShape(shape)) === arch) return shape;
  throw fail(
    'usage',
    `Shape ${shape} is of ${archOf(namedShape(shape))}, not of ${arch}.`,
    'Leave one of the two out.',
    {
      shape,
      arch,
    },
  );
}

function filesToWrite(args: Arguments, out: string): readonly FileToWrite[] {
  const recipe = makeRecipe({
    shape: shapeOf(args),
    type: args.get(TYPE),
    seed: args.get(SEED),
    tied: args.has(TIED),
    sizes: {
      nLayer: args.get(N_LAYER),
      nEmbd: args.get(N_EMBD),
      nHead: args.get(N_HEAD),
      nHeadKv: args.get(N_HEAD_KV),
      headDim: args.get(HEAD_DIM),
      nExpert: args.get(N_EXPERT),
      nExpertUsed: args.get(N_EXPERT_USED),
      nFfExp: args.get(N_FF_EXP),
      nVocab: args.get(N_VOCAB),
    },
    theta: args.get(THETA),
    eps: args.get(EPS),
  });
  const model = modelToWrite(recipe);
  const count = args.get(SPLIT);
  if (count === 1) return [{ path: out, file: model }];
  const base = out.replace(/\.gguf$/i, '');
  return splitModel(model, count).map((file, part) => ({
    path: partName({ base, part, count, rest: '' }, part),
    file,
  }));
}
