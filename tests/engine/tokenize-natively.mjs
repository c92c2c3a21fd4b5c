// node tests/engine/tokenize-natively.mjs: token ids of a real llama.cpp. From standard input JSON of { ffi, library, jobs }: the folder of koffi, the
// library, and vocabularies with texts. To standard output the ids of each text of each job, as JSON. A process of its own: a library that aborts ends it.
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const POINTER = 'void *';
/** More than `llama_model_params` has, and where its first flag is, `vocab_only`. */
const PARAMS_WORDS = 64;
const VOCAB_ONLY = 72;

/** @type {{ ffi: string, library: string, jobs: { path: string, texts: string[], parseSpecial: boolean }[] }} */
const { ffi, library, jobs } = JSON.parse(readFileSync(0, 'utf8'));
const koffi = createRequire(join(ffi, 'package.json'))('koffi');
koffi.config({ sync_stack_size: 16 << 20 });
const native = koffi.load(library);
const params = koffi.struct('params', { bytes: koffi.array('uint8', 8 * PARAMS_WORDS, 'Typed') });
const defaults = native.func('llama_model_default_params', params, []);
const load = native.func('llama_model_load_from_file', POINTER, ['str', params]);
const vocabularyOf = native.func('llama_model_get_vocab', POINTER, [POINTER]);
const addsBos = native.func('llama_vocab_get_add_bos', 'bool', [POINTER]);
const tokenize = native.func('llama_tokenize', 'int32', [POINTER, POINTER, 'int32', POINTER, 'int32', 'bool', 'bool']);
const free = native.func('llama_model_free', 'void', [POINTER]);

const answers = jobs.map(({ path, texts, parseSpecial }) => {
  const given = defaults();
  given.bytes[VOCAB_ONLY] = 1;
  const model = load(path, given);
  if (model === null) throw new Error(`llama.cpp does not load ${path}`);
  const vocabulary = vocabularyOf(model);
  const ids = texts.map((text) => {
    const bytes = Buffer.from(text);
    const room = Buffer.alloc(4 * (bytes.length + 1));
    const count = tokenize(vocabulary, bytes, bytes.length, room, bytes.length + 1, false, parseSpecial);
    if (count < 0) throw new Error(`llama_tokenize gave ${count}`);
    return Array.from({ length: count }, (_, i) => room.readInt32LE(4 * i));
  });
  const answer = { addBos: addsBos(vocabulary), ids };
  free(model);
  return answer;
});
process.stdout.write(JSON.stringify(answers));
