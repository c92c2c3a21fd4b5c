import { toErrorData } from '../base/errors';
import { formatBytes } from '../base/format';
import type { ModelFile } from '../gguf/model-file';
import { defaultChoice } from '../gpu/decode/decode-choice';
import { tryPlan } from '../gpu/decode/decode-plan';
import { createDecoder, type Decoder } from '../gpu/decode/decoder';
import { tuneDecode, type TuningStore } from '../gpu/decode/tuner';
import { warmDecode } from '../gpu/decode/warm-decode';
import type { GpuContext } from '../gpu/device';
import type { EngineKeys, GpuEngine } from '../gpu/engine/gpu-engine';
import type { HParams } from '../model/hparams';
import type { DecodedBy, DecoderChoice } from './decoded-by';

/** The fast decoder on an engine's weights and keys. */
export interface FastDecode {
  readonly decoder: Decoder;
  readonly keys: EngineKeys;
  readonly by: Extract<DecodedBy, { readonly by: 'decoder' }>;
}

/** Why the engine decodes itself. */
export interface NoFastDecode {
  readonly decoder: undefined;
  readonly by: Extract<DecodedBy, { readonly by: 'engine' }>;
}

export interface FastDecodeOptions {
  readonly context: GpuContext;
  readonly model: ModelFile;
  readonly hparams: HParams;
  readonly engine: GpuEngine;
  /** `auto` when not given. */
  readonly wanted?: DecoderChoice | undefined;
  /** Whether weights may be read that are not on the GPU yet: all of the file, which over a network is more than a few tokens need. */
  readonly mayLoad: boolean;
  readonly store?: TuningStore | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Opens the decoder where it can serve: all weights on the GPU, and a shape that its kernels take. Otherwise says why not.
 * @throws TracerError those of reading the file, `gpu-lost`, `gpu-shader`, `run-cancelled`
 */
export async function openFastDecode(options: FastDecodeOptions): Promise<FastDecode | NoFastDecode> {
  const { context, hparams, engine, store, signal } = options;
  const no = (why: string): NoFastDecode => ({ decoder: undefined, by: { by: 'engine', why } });
  const wanted = options.wanted ?? 'auto';
  if (wanted === 'engine') return no('as asked for');
  // On SwiftShader its kernels take half a minute to compile and four times as long to run: they are made for thousands of lanes.
  if (wanted === 'auto' && context.card.isSoftware) return no('the engine is the faster one on a software adapter');
  if (engine.resident() === undefined) {
    const bytes = engine.wholeBytes();
    const budget = await engine.wholeBudget();
    if (bytes > budget)
      return no(
        `all weights take ${formatBytes(bytes)}, the GPU budget is ${formatBytes(budget)}: raise it where the GPU has the room`,
      );
    if (!options.mayLoad) return no('not all weights are on the GPU, and the file is on a server');
  }
  try {
    // The driver compiles the decoder's kernels while the file is read.
    await engine.preload(signal, (layout) => warmDecode({ context, hparams, weights: layout, store }));
    const weights = engine.resident();
    if (weights === undefined) return no('the weights are not all on the GPU');
    // Ahead of the tuner, which builds the kernels.
    const plan = tryPlan({ context, hparams, weights, choice: await defaultChoice(context) });
    if (!('parts' in plan)) return no(plan.message);
    const { choice, from } = await tuneDecode({ context, hparams, weights, store });
    const keys = await engine.keys();
    const decoder = await createDecoder({ context, hparams, weights, keys, choice });
    return { decoder, keys, by: { by: 'decoder', dispatches: decoder.dispatches.token, tuned: from } };
  } catch (error) {
    const { code, message } = toErrorData(error);
    if (code === 'gpu-limit' || code === 'gpu-memory') return no(message);
    throw error;
  }
}

/** Whether a model lies on this machine, so that reading all of it costs no network. */
export function isLocal(model: ModelFile): boolean {
  return model.descriptors.every(({ kind }) => kind !== 'http');
}
