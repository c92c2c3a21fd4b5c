import { TracerError, type ErrorCode } from '../../src/base/errors';
import { seededRandom, type Random } from '../../src/base/random';
import type { ByteWriter } from '../../src/gguf/byte-writer';
import { GGML_TYPES } from '../../src/gguf/ggml-types';
import { MAGIC_BYTES } from '../../src/gguf/magic';
import { memorySource } from '../../src/gguf/memory-source';
import { openModel } from '../../src/gguf/open-model';
import { VALUE_TYPES } from '../../src/gguf/value-types';
import { ggufBytes } from '../../src/gguf/writer';
import { readHParams } from '../../src/model/read-hparams';
import { checkWeights } from '../../src/model/bound-weights';
import { makeModel } from '../../tests/support/gguf-models';
import { entry, rawGguf, tensor } from '../../tests/support/gguf-header';
import { HOSTILE_MAGIC, HOSTILE_METADATA, HOSTILE_TENSORS } from '../../tests/gguf/hostile-headers';
import { EDGES, mutated, noise } from './mutate';
import { oneIn, pick, type FuzzCase, type FuzzTarget } from './target';

/** A header with a value of every type, and a small one of a model that runs. Tensor data are left out: the header is all that is read. */
const SOUND: readonly Uint8Array<ArrayBuffer>[] = [
  ggufBytes({
    metadata: [
      ['a.string', { type: 'string', value: 'text' }],
      ['some.strings', { type: 'array', of: 'string', value: ['one', 'two', 'zwei \u00e4'] }],
      ['some.numbers', { type: 'array', of: 'uint64', value: [1, 2, 3] }],
      ['nested', { type: 'array', of: 'array', value: [{ type: 'array', of: 'bool', value: [true] }] }],
      ['real', { type: 'float64', value: NaN }],
      ['large', { type: 'int64', value: -(2n ** 62n) }],
      ['general.alignment', { type: 'uint32', value: 32 }],
    ],
    tensors: [
      { name: 'first', dims: [256, 2], type: 'Q6_K' },
      { name: 'second', dims: [4, 4, 4], type: 'F32' },
    ],
  }),
  makeModel({
    shape: { nLayer: 1, nEmbd: 2, nHead: 1, nHeadKv: 1, headDim: 2, nExpert: 2, nExpertUsed: 1, nFfExp: 2, nVocab: 4 },
    type: 'F32',
  }),
];
const HOSTILE: readonly Uint8Array<ArrayBuffer>[] = [...HOSTILE_MAGIC, ...HOSTILE_METADATA, ...HOSTILE_TENSORS].flatMap(
  ({ bytes }) => (bytes.length > 0 && bytes.length < 4096 ? [bytes] : []),
);

const KEYS = ['general.architecture', 'general.alignment', 'split.count', 'split.no', 'qwen3moe.block_count', 'k', ''];

type Field = (out: ByteWriter) => void;

function edge(random: Random): bigint {
  return oneIn(random, 3) ? BigInt(random.below(40)) : pick(random, EDGES);
}

/** A string whose length is mostly true and whose bytes are sometimes no UTF-8. */
function stringField(random: Random): Field {
  const content = oneIn(random, 3) ? noise(random, random.below(12)) : new TextEncoder().encode(pick(random, KEYS));
  const length = oneIn(random, 8) ? edge(random) : BigInt(content.length);
  return (out) => {
    out.u64(length);
    out.bytes(content);
  };
}

function valueField(random: Random, type: number, depth: number): Field {
  const known = VALUE_TYPES[type];
  if (known?.name === 'string') return stringField(random);
  if (known?.name === 'array') {
    const of = oneIn(random, 3) && depth < 7 ? 9 : random.below(13);
    const count = random.below(4);
    const said = oneIn(random, 4) ? edge(random) : BigInt(count);
    const elements = Array.from({ length: count }, () => valueField(random, of, depth + 1));
    return (out) => {
      out.u32(oneIn(random, 20) ? 99 : of);
      out.u64(said);
      for (const element of elements) element(out);
    };
  }
  const bytes = oneIn(random, 3) ? new Uint8Array(known?.bytes ?? 4).fill(255) : noise(random, known?.bytes ?? 4);
  return (out) => {
    out.bytes(bytes);
  };
}

function entryField(random: Random): Field {
  const type = oneIn(random, 15) ? Number(BigInt.asUintN(32, edge(random))) : random.below(13);
  const value = valueField(random, type, 0);
  if (oneIn(random, 5)) {
    const key = stringField(random);
    return (out) => {
      key(out);
      out.u32(type);
      value(out);
    };
  }
  return entry(oneIn(random, 3) ? pick(random, KEYS) : `key.${random.below(6)}`, type, value);
}

function tensorField(random: Random): Field {
  const nDims = oneIn(random, 10) ? random.below(7) : 1 + random.below(3);
  const dims = Array.from({ length: Math.min(nDims, 6) }, () => edge(random));
  const type = oneIn(random, 6) ? random.below(50) : pick(random, GGML_TYPES).id;
  const offset = oneIn(random, 2) ? BigInt(32 * random.below(8)) : edge(random);
  const said = oneIn(random, 20) ? Number(BigInt.asUintN(32, edge(random))) : dims.length;
  return tensor(oneIn(random, 12) ? '' : `t.${random.below(5)}`, dims, type, offset, said);
}

/** A header with every field drawn by itself: counts, nesting, duplicates, overlaps, zero and huge dimensions. */
function drawn(random: Random): Uint8Array<ArrayBuffer> {
  const entries = Array.from({ length: random.below(6) }, () => entryField(random));
  const tensors = Array.from({ length: random.below(5) }, () => tensorField(random));
  return rawGguf({
    version: oneIn(random, 30) ? Number(BigInt.asUintN(32, edge(random))) : pick(random, [2, 3]),
    entries,
    tensors,
    ...(oneIn(random, 12) ? { nEntries: edge(random) } : {}),
    ...(oneIn(random, 12) ? { nTensors: edge(random) } : {}),
    ...(oneIn(random, 3) ? {} : { dataBytes: random.below(512) }),
  });
}

/** Opens a file as a session does, up to the check of every weight. What opens lies inside the file. */
async function open(bytes: Uint8Array<ArrayBuffer>): Promise<void> {
  const model = await openModel([memorySource(bytes, 'fuzz.gguf')]);
  for (const tensor of model.tensors.values()) {
    if (tensor.offset + tensor.bytes > bytes.length) throw new Error(`${tensor.name} lies outside of the file`);
  }
  try {
    checkWeights(model, readHParams(model));
  } catch (error) {
    if (!(error instanceof TracerError) || !MODEL_CODES.includes(error.code)) throw error;
  }
}

/** A header that can be read, of a model that cannot be run. */
const MODEL_CODES: readonly ErrorCode[] = [
  ...(['gguf-architecture', 'gguf-missing-key', 'gguf-missing-tensor', 'gguf-tensor-shape'] as const),
  ...(['gguf-tensor-type', 'gguf-malformed'] as const),
];

export const HEADERS: FuzzTarget = {
  name: 'GGUF headers',
  allows: {
    // What is read of the file, and the first bytes behind the data, where another part may begin: numbers stay where they lie.
    buffers: [1, MAGIC_BYTES],
    // A value of one byte can become a number, an array element and a map entry.
    heap: [64, 512 * 1024],
  },
  codes: [
    ...([
      'gguf-not-gguf',
      'gguf-version',
      'gguf-big-endian',
      'gguf-truncated',
      'gguf-malformed',
      'gguf-tensor-type',
      'gguf-limit',
    ] as const),
    'gguf-split',
  ],
  make: (random): FuzzCase => {
    const how = oneIn(random, 2) ? 'drawn' : oneIn(random, 8) ? 'noise' : 'mutated';
    const start = seededRandom(random.uint32());
    const bytes =
      how === 'drawn'
        ? drawn(start)
        : how === 'mutated'
          ? mutated(start, pick(start, oneIn(start, 3) ? HOSTILE : SOUND))
          : concat(new TextEncoder().encode('GGUF\u0003\0\0\0'), noise(start, start.below(300)));
    return { how, size: bytes.length, input: bytes, read: () => open(bytes) };
  },
};

function concat(a: Uint8Array, b: Uint8Array): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(a.length + b.length);
  out.set(a);
  out.set(b, a.length);
  return out;
}
