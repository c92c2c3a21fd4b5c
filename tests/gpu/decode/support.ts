import type { ModelFile } from '../../../src/gguf/model-file';
import { createDecoder, type Decoder } from '../../../src/gpu/decode/decoder';
import { defaultChoice } from '../../../src/gpu/decode/decode-choice';
import type { DecodeChoice } from '../../../src/fusions/choice';
import type { GpuContext } from '../../../src/gpu/device';
import { KvCache } from '../../../src/gpu/engine/kv-cache';
import { Recorder } from '../../../src/gpu/recorder';
import type { HParams } from '../../../src/model/hparams';
import { fileWeights } from './file-weights';

/** A prompt of tokens that differ, below `nVocab`. */
export const tokensOf = (count: number, nVocab: number): Uint32Array<ArrayBuffer> =>
  Uint32Array.from({ length: count }, (_, i) => (i * 37 + 11) % nVocab);

/** A decoder with keys and weights of its own. */
export interface OwnDecoder {
  readonly decoder: Decoder;
  readonly dispose: () => void;
}

export async function ownDecoder(
  context: GpuContext,
  model: ModelFile,
  hparams: HParams,
  choice?: DecodeChoice,
  maxBytes?: number,
): Promise<OwnDecoder> {
  const weights = await fileWeights(context, model, maxBytes);
  const recorder = new Recorder(context);
  const keys = new KvCache(context, recorder, () => hparams.kvDim);
  const decoder = await createDecoder({
    context,
    hparams,
    weights,
    keys,
    choice: choice ?? (await defaultChoice(context)),
  });
  return {
    decoder,
    dispose() {
      decoder.dispose();
      weights.dispose();
      keys.dispose();
      recorder.dispose();
    },
  };
}
