import { fail } from '../../base/errors';
import type { LiveBackend } from '../../model/live';
import { blobBytes, bytesBlob, type LlamaLibrary, type ParamsBlob } from './library';
import { layoutError } from './layout-error';
import { contextLayout, modelLayout } from './params-layout';
import { addressOf, devicesOf, type NativeDevice } from './probe';

/** How devices of a back end are called. */
const DEVICE_NAMES: Readonly<Record<Exclude<LiveBackend, 'cpu'>, RegExp>> = {
  vulkan: /^vulkan/i,
  cuda: /^cuda/i,
  metal: /^(?:metal|mtl)/i,
};
const ALL_LAYERS = 999;
/** Old builds round n_batch up to this. */
const SMALLEST_BATCH = 64;
const FLASH_ATTENTION: Readonly<Record<string, number>> = { auto: -1, off: 0, on: 1 };
/** `enum ggml_type` */
const KV_TYPE: Readonly<Record<string, number>> = { f32: 0, f16: 1 };

export interface ContextOptions {
  /** Positions that the context holds. */
  readonly room: number;
  readonly nTokens: number;
  readonly ubatch: number;
  readonly threads: number;
  readonly flashAttention: string;
  readonly kv: string;
  /** Address of a registered callback; absent: none. */
  readonly evalCallback?: unknown;
}

/** A model and its contexts in the library. Addresses are the library's; only {@link NativeModel.dispose} frees them. */
export class NativeModel {
  readonly #library: LlamaLibrary;
  readonly #model: unknown;
  readonly devices: readonly string[];
  readonly nVocab: number;
  readonly nLayer: number;

  /** @throws TracerError `engine-missing` (no such device), `engine-layout`, `engine-failed` (the model does not load) */
  constructor(library: LlamaLibrary, path: string, backend: LiveBackend) {
    this.#library = library;
    const { call, ffi } = library;
    const all = devicesOf(library);
    const chosen = chooseDevices(all, backend);
    const params = blobBytes(call('llama_model_default_params') as ParamsBlob);
    const layout = modelLayout(params);
    // An empty list keeps even single large products off a GPU.
    const listType = ffi.array('uint64', chosen.length + 1);
    const list = ffi.alloc('uint64', chosen.length + 1);
    ffi.encode(list, listType, [...chosen.map((d) => addressOf(d.pointer)), 0n]);
    params.setBigUint64(layout.devices, addressOf(ffi.address(list)), true);
    params.setInt32(layout.nGpuLayers, backend === 'cpu' ? 0 : ALL_LAYERS, true);
    this.#model = call('llama_model_load_from_file', path, bytesBlob(params));
    if (addressOf(this.#model) === 0n) {
      throw fail(
        'engine-failed',
        `llama.cpp does not load ${path}.`,
        'Its own message is in the detail; the file may need a newer llama.cpp.',
        { model: path },
      );
    }
    const shown = backend === 'cpu' ? all.filter((d) => d.type === 0) : chosen;
    this.devices = shown.map((d) => `${d.name} (${d.description})`);
    this.nVocab = Number(call('llama_vocab_n_tokens', call('llama_model_get_vocab', this.#model)));
    this.nLayer = Number(call('llama_model_n_layer', this.#model));
  }

  /** @throws TracerError `engine-layout` where a setting does not arrive, `engine-failed` where there is no context */
  open(options: ContextOptions): NativeContext {
    const { call } = this.#library;
    const params = blobBytes(call('llama_context_default_params') as ParamsBlob);
    const at = contextLayout(params);
    const nBatch = Math.max(options.nTokens, SMALLEST_BATCH);
    const sent = {
      nBatch,
      nUbatch: options.ubatch > 0 ? Math.min(options.ubatch, nBatch) : nBatch,
      threads: options.threads,
    };
    params.setUint32(at.nCtx, options.room, true);
    params.setUint32(at.nBatch, sent.nBatch, true);
    params.setUint32(at.nUbatch, sent.nUbatch, true);
    params.setInt32(at.threads, sent.threads, true);
    params.setInt32(at.threadsBatch, sent.threads, true);
    params.setInt32(at.flashAttention, FLASH_ATTENTION[options.flashAttention] ?? -1, true);
    for (const offset of [at.typeK, at.typeV]) params.setInt32(offset, KV_TYPE[options.kv] ?? 1, true);
    params.setBigUint64(at.evalCallback, addressOf(options.evalCallback ?? null), true);
    const pointer = call('llama_init_from_model', this.#model, bytesBlob(params));
    if (addressOf(pointer) === 0n) {
      throw fail(
        'engine-failed',
        'llama.cpp makes no context.',
        'There may not be enough memory, or a setting is not supported: --kv f32 needs --flash-attention off on some back ends.',
        {
          room: options.room,
        },
      );
    }
    // Settings that come back prove that the layout is right.
    const back = {
      nBatch: Number(call('llama_n_batch', pointer)),
      nUbatch: Number(call('llama_n_ubatch', pointer)),
      threads: Number(call('llama_n_threads', pointer)),
    };
    const arrived = back.nBatch === sent.nBatch && back.nUbatch === sent.nUbatch && back.threads === sent.threads;
    const threadsBatch = Number(call('llama_n_threads_batch', pointer));
    if (!arrived || threadsBatch !== sent.threads || Number(call('llama_n_ctx', pointer)) < options.room) {
      throw layoutError(
        'llama_context_params',
        `settings did not arrive: sent ${JSON.stringify(sent)}, read back ${JSON.stringify(back)}`,
      );
    }
    return new NativeContext(this.#library, pointer, this.nVocab);
  }

  dispose(): void {
    this.#library.call('llama_model_free', this.#model);
  }
}

/** Keys, values and logits of one run. */
export class NativeContext {
  readonly #library: LlamaLibrary;
  readonly #pointer: unknown;
  readonly #nVocab: number;

  constructor(library: LlamaLibrary, pointer: unknown, nVocab: number) {
    this.#library = library;
    this.#pointer = pointer;
    this.#nVocab = nVocab;
  }

  /** Runs tokens at positions `nPast` on; logits are kept of all. @throws TracerError `engine-failed` */
  decode(tokens: readonly number[], nPast: number): void {
    const { call, ffi } = this.#library;
    const native = (type: string, list: readonly (number | bigint)[]): unknown => {
      const pointer = ffi.alloc(type, list.length);
      ffi.encode(pointer, ffi.array(type, list.length), list);
      return pointer;
    };
    const sequence = native('int32', [0]);
    const batch = {
      n_tokens: tokens.length,
      token: native('int32', tokens),
      embd: null,
      pos: native(
        'int32',
        tokens.map((_, i) => nPast + i),
      ),
      n_seq_id: native(
        'int32',
        tokens.map(() => 1),
      ),
      seq_id: native(
        'uint64',
        tokens.map(() => addressOf(ffi.address(sequence))),
      ),
      // Logits of all tokens: otherwise the last layer computes one row.
      logits: native(
        'int8',
        tokens.map(() => 1),
      ),
    };
    const status = Number(call('llama_decode', this.#pointer, batch));
    if (status !== 0) {
      throw fail(
        'engine-failed',
        `llama_decode gave up with status ${status}.`,
        'A prompt that does not fit the context, or too little memory.',
        { status },
      );
    }
  }

  /** Logits of the `row`th token of the last decode, f32: a copy. */
  logits(row: number): Float32Array<ArrayBuffer> {
    const bytes = this.#library.memory(
      this.#library.call('llama_get_logits_ith', this.#pointer, row),
      4 * this.#nVocab,
    );
    return new Float32Array(bytes.slice().buffer);
  }

  /** Forgets positions from `nPast` on. @returns whether that was possible */
  forget(nPast: number): boolean {
    const { call, has } = this.#library;
    if (!has('llama_get_memory') || !has('llama_memory_seq_rm')) return false;
    return call('llama_memory_seq_rm', call('llama_get_memory', this.#pointer), 0, nPast, -1) === true;
  }

  dispose(): void {
    this.#library.call('llama_free', this.#pointer);
  }
}

function chooseDevices(all: readonly NativeDevice[], backend: LiveBackend): readonly NativeDevice[] {
  if (backend === 'cpu') return [];
  const chosen = all.filter((d) => DEVICE_NAMES[backend].test(d.name));
  if (chosen.length > 0) return chosen;
  throw fail(
    'engine-missing',
    `This llama.cpp finds no ${backend} device; it has ${all.map((d) => d.name).join(', ') || 'none'}.`,
    backend === 'vulkan'
      ? 'Install the driver of a GPU with Vulkan. A software device such as lavapipe must be named: GGML_VK_VISIBLE_DEVICES=0.'
      : 'Install the driver, or choose another back end.',
    { backend, devices: all.map((d) => d.name).join(', ') },
  );
}
