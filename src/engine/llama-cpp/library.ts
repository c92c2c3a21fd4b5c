import { readdirSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fail, reasonOf } from '../../base/errors';
import type { Ffi, FfiType, NativeFunction, NativeLibrary } from './ffi';
import { PARAMS_BYTES } from './params-layout';

/** ggml's own libraries beside llama's: a Windows handle does not resolve symbols of what a library depends on. */
const SIBLING = /^(?:lib)?ggml(?:-base)?(?:\.[\w.]*)?\.(?:so|dylib|dll)$/;

const POINTER = 'void *';

/** A loaded llama.cpp: its functions by name, as C declares them. */
export interface LlamaLibrary {
  readonly path: string;
  readonly folder: string;
  /** @throws TracerError `engine-layout` where the library does not export it */
  call(name: NativeName, ...args: readonly unknown[]): unknown;
  /** Whether the library exports an optional function. */
  has(name: NativeName): boolean;
  /** Bytes at an address: a copy. */
  memory(address: unknown, length: number): Uint8Array<ArrayBuffer>;
  readonly ffi: Ffi;
}

/**
 * A struct of parameters that is handed over by value. Its size differs from release to release, so that an oversized stand-in is declared for
 * all: where it is returned the callee fills its true size, where it is passed it is the last argument, on the stack or by reference, and
 * the callee reads only what it knows.
 */
export interface ParamsBlob {
  readonly words: readonly bigint[];
}

type Signature = readonly [result: FfiType | 'params', args: readonly (FfiType | 'params' | 'batch' | 'init')[]];

// prettier-ignore
const FUNCTIONS = {
  llama_version: ['str', []], ggml_version: ['str', []], ggml_commit: ['str', []],
  ggml_backend_load_all_from_path: ['void', ['str']], llama_backend_init: ['void', []],
  ggml_backend_dev_count: ['size_t', []], ggml_backend_dev_get: [POINTER, ['size_t']], ggml_backend_dev_name: ['str', [POINTER]],
  ggml_backend_dev_description: ['str', [POINTER]], ggml_backend_dev_type: ['int', [POINTER]], ggml_backend_dev_init: [POINTER, [POINTER, 'str']],
  ggml_init: [POINTER, ['init']], ggml_free: ['void', [POINTER]], ggml_tensor_overhead: ['size_t', []],
  ggml_new_tensor_1d: [POINTER, [POINTER, 'int', 'int64']],
  ggml_new_tensor_4d: [POINTER, [POINTER, 'int', 'int64', 'int64', 'int64', 'int64']],
  ggml_add: [POINTER, [POINTER, POINTER, POINTER]], ggml_scale: [POINTER, [POINTER, POINTER, 'float']], ggml_view_1d: [POINTER, [POINTER, POINTER, 'int64', 'size_t']],
  ggml_rms_norm: [POINTER, [POINTER, POINTER, 'float']], ggml_soft_max_ext: [POINTER, [POINTER, POINTER, POINTER, 'float', 'float']],
  ggml_rope_ext: [POINTER, [POINTER, POINTER, POINTER, POINTER, 'int', 'int', 'int', 'float', 'float', 'float', 'float', 'float', 'float']],
  ggml_clamp: [POINTER, [POINTER, POINTER, 'float', 'float']], ggml_swiglu_oai: [POINTER, [POINTER, POINTER, POINTER, 'float', 'float']],
  ggml_set_name: [POINTER, [POINTER, 'str']], ggml_get_data: [POINTER, [POINTER]], ggml_nbytes: ['size_t', [POINTER]],
  ggml_op_name: ['str', ['int']], ggml_type_name: ['str', ['int']],
  ggml_backend_alloc_ctx_tensors: [POINTER, [POINTER, POINTER]],
  ggml_backend_tensor_get: ['void', [POINTER, POINTER, 'size_t', 'size_t']], ggml_backend_buffer_name: ['str', [POINTER]],
  llama_model_default_params: ['params', []], llama_context_default_params: ['params', []],
  llama_model_load_from_file: [POINTER, ['str', 'params']], llama_init_from_model: [POINTER, [POINTER, 'params']],
  llama_model_get_vocab: [POINTER, [POINTER]], llama_vocab_n_tokens: ['int32', [POINTER]], llama_model_n_layer: ['int32', [POINTER]],
  llama_decode: ['int32', [POINTER, 'batch']], llama_get_logits_ith: [POINTER, [POINTER, 'int32']],
  llama_free: ['void', [POINTER]], llama_model_free: ['void', [POINTER]],
  llama_n_ctx: ['uint32', [POINTER]], llama_n_batch: ['uint32', [POINTER]], llama_n_ubatch: ['uint32', [POINTER]],
  llama_n_threads: ['int32', [POINTER]], llama_n_threads_batch: ['int32', [POINTER]],
  llama_get_memory: [POINTER, [POINTER]], llama_memory_seq_rm: ['bool', [POINTER, 'int32', 'int32', 'int32']],
} as const satisfies Record<string, Signature>;

export type NativeName = keyof typeof FUNCTIONS;

/** Loads a llama.cpp and its back ends. @throws TracerError `engine-missing` where it cannot be loaded */
export function loadLibrary(ffi: Ffi, path: string): LlamaLibrary {
  const full = resolve(path);
  const folder = dirname(full);
  const siblings = readdirSync(folder).filter((name) => SIBLING.test(name));
  const libraries = [full, ...siblings.map((name) => join(folder, name))].map((file): NativeLibrary => {
    try {
      return ffi.load(file);
    } catch (error) {
      throw fail(
        'engine-missing',
        `${file} cannot be loaded: ${reasonOf(error)}`,
        'Check that it is a shared library of this platform, and that the libraries it needs are installed.',
        { library: file },
        error,
      );
    }
  });
  const special: Readonly<Record<string, FfiType>> = {
    params: ffi.struct('moescope_params', { words: ffi.array('uint64', PARAMS_BYTES / 8) }),
    init: ffi.struct('moescope_init_params', { mem_size: 'size_t', mem_buffer: POINTER, no_alloc: 'bool' }),
    batch: ffi.struct('moescope_batch', {
      n_tokens: 'int32',
      token: POINTER,
      embd: POINTER,
      pos: POINTER,
      n_seq_id: POINTER,
      seq_id: POINTER,
      logits: POINTER,
    }),
  };
  const typeOf = (type: FfiType): FfiType => (typeof type === 'string' ? (special[type] ?? type) : type);
  const found = new Map<NativeName, NativeFunction | undefined>();
  const find = (name: NativeName): NativeFunction | undefined => {
    if (found.has(name)) return found.get(name);
    const [result, args]: Signature = FUNCTIONS[name];
    let native: NativeFunction | undefined;
    for (const library of libraries) {
      try {
        native = library.func(name, typeOf(result), args.map(typeOf));
        break;
      } catch {
        // Another of the libraries has it.
      }
    }
    found.set(name, native);
    return native;
  };
  const byteTypes = new Map<number, FfiType>();
  return {
    path: full,
    folder,
    ffi,
    has: (name) => find(name) !== undefined,
    call(name, ...args) {
      const native = find(name);
      if (native === undefined) {
        throw fail(
          'engine-layout',
          `${full} does not export ${name}.`,
          'Use a shared build of llama.cpp of September 2025 (b6325) or later.',
          { library: full, function: name },
        );
      }
      return native(...args);
    },
    memory(address, length) {
      let type = byteTypes.get(length);
      if (type === undefined) byteTypes.set(length, (type = ffi.array('uint8', length, 'Typed')));
      return ffi.decode(address, type) as Uint8Array<ArrayBuffer>;
    },
  };
}

/** The bytes of a struct that was returned by value. */
export function blobBytes(blob: ParamsBlob): DataView {
  const view = new DataView(new ArrayBuffer(PARAMS_BYTES));
  for (const [i, word] of blob.words.entries()) view.setBigUint64(8 * i, BigInt.asUintN(64, BigInt(word)), true);
  return view;
}

/** A struct to pass by value. */
export function bytesBlob(bytes: DataView): ParamsBlob {
  return { words: Array.from({ length: PARAMS_BYTES / 8 }, (_, i) => bytes.getBigUint64(8 * i, true)) };
}
