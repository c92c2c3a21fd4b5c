import { architectureOf } from '../arch/architectures';
import type { ModelFile } from '../gguf/model-file';
import type { HParams } from './hparams';

/**
 * Reads the sizes and constants of a model from its metadata, as its architecture names them.
 * @throws TracerError `gguf-architecture` (one that does not run), `gguf-missing-key`, `gguf-missing-tensor`, `gguf-malformed` (a value
 * that is not a positive size, or sizes that contradict each other).
 */
export function readHParams(model: ModelFile): HParams {
  const arch = architectureOf(model);
  const sizes = arch.readSizes(model);
  return {
    arch: arch.name,
    nLayer: sizes.nLayer,
    nEmbd: sizes.nEmbd,
    nHead: sizes.nHead,
    nHeadKv: sizes.nHeadKv,
    headDim: sizes.headDim,
    nExpert: sizes.nExpert,
    nExpertUsed: sizes.nExpertUsed,
    nFfExp: sizes.nFfExp,
    nVocab: sizes.nVocab,
    nCtxTrain: sizes.nCtxTrain,
    rmsEps: sizes.rmsEps,
    ropeTheta: sizes.ropeTheta,
    qDim: sizes.qDim,
    kvDim: sizes.kvDim,
    tiedEmbeddings: !model.tensors.has('output.weight'),
  };
}
