import { layoutError } from './layout-error';

/** Byte offsets of the fields of `llama_context_params` that are set. */
export interface ContextLayout {
  readonly nCtx: number;
  readonly nBatch: number;
  readonly nUbatch: number;
  readonly threads: number;
  readonly threadsBatch: number;
  /** i32: -1 auto, 0 off, 1 on. */
  readonly flashAttention: number;
  /** Pointer to the callback; the next pointer is its argument. */
  readonly evalCallback: number;
  readonly typeK: number;
  readonly typeV: number;
}

/** Byte offsets of the fields of `llama_model_params` that are set. */
export interface ModelLayout {
  /** Pointer to a list of devices that ends with null. */
  readonly devices: number;
  readonly nGpuLayers: number;
}

/** Both structs are shorter; bytes behind their end are what the stack held and are read by nobody. */
export const PARAMS_BYTES = 512;

/** Where the block of YaRN's defaults may begin, bytes: after three sizes and some enumerations, before the callbacks. */
const YARN_FIRST = 24;
const YARN_LAST = 160;

/**
 * Finds the fields of `llama_context_params` by the documented defaults of those beside them.
 * @param defaults what `llama_context_default_params` returned
 * @throws TracerError `engine-layout` unless every anchor is where it can be, exactly once
 */
export function contextLayout(defaults: DataView): ContextLayout {
  const u32 = (at: number): number => defaults.getUint32(at, true);
  const f32 = (at: number): number => defaults.getFloat32(at, true);
  const isNull = (at: number): boolean => defaults.getBigUint64(at, true) === 0n;
  const refuse = (why: string): Error => layoutError('llama_context_params', why);

  if (u32(0) !== 512 || u32(4) !== 2048 || u32(8) !== 512) {
    throw refuse(`n_ctx, n_batch and n_ubatch are ${u32(0)}, ${u32(4)} and ${u32(8)}, not 512, 2048 and 512`);
  }
  // rope_freq_base 0, rope_freq_scale 0, yarn_ext_factor -1, three factors, yarn_orig_ctx 0, defrag_thold -1
  const yarn: number[] = [];
  for (let at = YARN_FIRST; at < YARN_LAST; at += 4) {
    if (f32(at) === -1 && u32(at + 16) === 0 && f32(at + 20) === -1 && u32(at - 4) === 0 && u32(at - 8) === 0)
      yarn.push(at);
  }
  const [extFactor] = yarn;
  if (extFactor === undefined || yarn.length > 1) throw refuse(`YaRN's defaults at ${yarn.join(', ') || 'no offset'}`);
  const evalCallback = Math.ceil((extFactor + 24) / 8) * 8;
  if (!isNull(evalCallback) || !isNull(evalCallback + 8)) throw refuse('cb_eval is not null');
  const typeK = evalCallback + 16;
  if (u32(typeK) !== 1 || u32(typeK + 4) !== 1) throw refuse('type_k and type_v are not F16');
  if (!isNull(typeK + 8) || !isNull(typeK + 16)) throw refuse('abort_callback is not null');
  for (let at = typeK + 24; at < typeK + 30; at++)
    if (defaults.getUint8(at) > 1) throw refuse('no truth values behind the callbacks');
  const flashAttention = extFactor - 12;
  if (defaults.getInt32(flashAttention, true) !== -1) throw refuse('flash_attn_type is not auto');
  const threads: number[] = [];
  for (let at = 16; at < flashAttention; at += 4) if (u32(at) === 4 && u32(at + 4) === 4) threads.push(at);
  const [nThreads] = threads;
  if (nThreads === undefined || threads.length > 1) throw refuse(`n_threads at ${threads.join(', ') || 'no offset'}`);
  return {
    nCtx: 0,
    nBatch: 4,
    nUbatch: 8,
    threads: nThreads,
    threadsBatch: nThreads + 4,
    flashAttention,
    evalCallback,
    typeK,
    typeV: typeK + 4,
  };
}

/**
 * @param defaults what `llama_model_default_params` returned
 * @throws TracerError `engine-layout`
 */
export function modelLayout(defaults: DataView): ModelLayout {
  const layers = defaults.getInt32(16, true);
  const split = defaults.getInt32(20, true);
  const areNull = defaults.getBigUint64(0, true) === 0n && defaults.getBigUint64(8, true) === 0n;
  if (!areNull || (layers !== -1 && layers !== 999) || split !== 1) {
    throw layoutError(
      'llama_model_params',
      `n_gpu_layers ${layers} and split_mode ${split} behind ${areNull ? '' : 'no '}null pointers, not -1 and 1`,
    );
  }
  return { devices: 0, nGpuLayers: 16 };
}
