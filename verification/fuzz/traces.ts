import { zipSync } from 'fflate';
import { seededRandom, type Random } from '../../src/base/random';
import { compareTraces } from '../../src/divergence/compare-traces';
import { TracerError } from '../../src/base/errors';
import { stageSpec } from '../../src/model/stages';
import { ACTIVE_STAGES } from '../../tests/support/stages';
import type { Capture } from '../../src/model/engine';
import { adoptLayout } from '../../src/trace/adopt-layout';
import { encodeAprt } from '../../src/trace/aprt';
import { CSV_COLUMNS } from '../../src/trace/csv';
import { inferLayout } from '../../src/trace/infer-layout';
import { encodeNpy } from '../../src/trace/npy';
import { readFileTree, readTraces } from '../../src/trace/read-traces';
import { createTrace, type Trace } from '../../src/trace/trace';
import { tracesToFiles, type ReadFiles } from '../../src/trace/trace-files';
import { encodeTraceJson } from '../../src/trace/trace-json';
import { isZip, readZip, writeZip, zipClaims, type FileTree } from '../../src/trace/zip';
import { dict, list, tensor, torchFile } from '../../tests/support/torch-file';
import { EDGES, jsonText, mutated, mutatedJson, mutatedText, noise } from './mutate';
import { oneIn, pick, type FuzzCase, type FuzzTarget } from './target';

const utf8 = new TextEncoder();

/** A small trace: every stage once, two positions. */
function smallTrace(engine: string): Trace {
  const random = seededRandom(engine.length);
  const captures = ACTIVE_STAGES.map((stage): Capture => {
    const spec = stageSpec(stage);
    const shape = spec.shape.map((dim) => (dim === 'nTokens' || dim === 'nKeys' ? 2 : 3));
    const count = shape.reduce((a, b) => a * b, 1);
    const data =
      spec.values === 'index'
        ? Uint32Array.from({ length: count }, (_, i) => i % 5)
        : Float32Array.from({ length: count }, () => random.normal());
    const bound = oneIn(random, 2) ? { bound: new Float32Array(count).fill(0.5) } : {};
    return { stage, layer: spec.scope === 'layer' ? 1 : undefined, positions: [3, 5], shape, data, ...bound };
  });
  return createTrace({ arm: engine, mode: 'free', tokens: [4, 5, 6, 7, 8, 9], modelName: 'm' }, captures);
}

const TRACE = smallTrace('gpu');
const APRT_TREE = tracesToFiles([TRACE, smallTrace('cpu')], 'aprt');
const NPY_TREE = tracesToFiles([TRACE], 'npy');
const GGML_TREE: FileTree = new Map([
  ['tokens.npy', encodeNpy({ type: 'i4', shape: [3], data: Int32Array.of(7, 8, 9) })],
  ...(['ffn_moe_out-0', 'l_out-0', 'Qcur_proj-0', 'Kcur_proj-0', 'Vcur-0', 'result_output'] as const).map(
    (name) => [`${name}.npy`, encodeNpy({ type: 'f4', shape: [2, 4], data: new Float32Array(8).fill(1) })] as const,
  ),
  ['ffn_moe_topk-0.npy', encodeNpy({ type: 'i8', shape: [2, 2], data: BigInt64Array.of(1n, 2n, 3n, 0n) })],
]);
const FOREIGN_TREE: FileTree = new Map([
  ['other/layer-0/moe_router_indices.bin', encodeAprt(0, Uint32Array.of(1, 2, 2, 1))],
  ['other/layer-0/moe_router.bin', encodeAprt(0, new Float32Array(4))],
  ['other/lm_head.bin', encodeAprt(undefined, new Float32Array(6))],
]);
const TREES: readonly FileTree[] = [APRT_TREE, NPY_TREE, GGML_TREE, FOREIGN_TREE];
const JSON_TRACE = JSON.parse(encodeTraceJson(TRACE)) as unknown;
const CSV_ROWS = [0, 1].flatMap((position) =>
  [0, 1, 2].map((i) => `gpu,1,moe_ffn_out,${position},${i},0,${position - i / 7}`),
);
const CSV = [CSV_COLUMNS.join(','), ...CSV_ROWS, '"a ""b""",,lm_head,0,0,0,NaN', ''].join('\n');

const TORCH_DATA = new Uint8Array(Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8).buffer);
const TORCH = torchFile(
  dict(
    ['model.layers.0.mlp', tensor('0', 'FloatStorage', 8, [2, 4], [4, 1])],
    ['model.layers.1.mlp', list(tensor('0', 'FloatStorage', 8, [4, 2], [1, 4]))],
    ['lm_head', tensor('0', 'HalfStorage', 8, [1, 8], [8, 1])],
  ),
  { 0: TORCH_DATA },
);
const TORCH_PROGRAM = readZip(TORCH, 'fuzz').get('Pass00000/data.pkl') ?? new Uint8Array(0);
const SAFETENSORS = safetensors({
  'l_out-0': { dtype: 'F32', shape: [2, 4], data_offsets: [0, 32] },
  result_output: { dtype: 'BF16', shape: [2, 4], data_offsets: [32, 48] },
});
const JSON_LISTS: unknown = {
  'l_out-0': [
    [1, 2],
    [3, 4],
  ],
  'ffn_moe_topk-0': [
    [1, 0],
    [0, 1],
  ],
  result_output: [[0.5, 'NaN']],
};
const PRINTED = [
  'ggml_debug: ffn_moe_topk-0 = (i32) VIEW(ffn_moe_argsort-0{8, 6, 1, 1}, }) = {2, 2, 1, 1}',
  '   [\n    [\n     [ 5, 2],\n     [ 1, 0],\n    ],\n   ]\n   sum = 8',
  'ggml_debug: l_out-0 = (f32) ADD(a{8, 2, 1, 1}, b{8, 2, 1, 1}}) = {8, 2, 1, 1}',
  '   [\n    [\n     [ 0.5, nan, 1.0, ..., 2.0, 3.0, -inf],\n     [ 1, 2, 3, ..., 4, 5, 6],\n    ],\n   ]\n   sum = 8',
  '',
].join('\n');

function safetensors(header: object): Uint8Array<ArrayBuffer> {
  const json = utf8.encode(JSON.stringify(header));
  const bytes = new Uint8Array(8 + json.length + 48).fill(1);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(json.length), true);
  bytes.set(json, 8);
  return bytes;
}

/** A `.npy` header whose shape tells tales. */
function hostileNpy(random: Random): Uint8Array<ArrayBuffer> {
  const dims = Array.from({ length: random.below(5) }, () => (oneIn(random, 3) ? 0n : pick(random, EDGES)));
  const type = pick(random, [
    '<f4',
    '<f8',
    '<i4',
    '<u4',
    '<i8',
    '>f4',
    '<f2',
    '<V2',
    '|u1',
    '>i8',
    '<u8',
    '|b1',
    '<f44',
  ]);
  const shape = oneIn(random, 10) ? `${'9'.repeat(400)},` : `${dims.join(', ')}${dims.length === 1 ? ',' : ''}`;
  const order = pick(random, ['True', 'False', 'False', 'False']);
  const header = `{'descr': '${type}', 'fortran_order': ${order}, 'shape': (${shape}), }\n`;
  const data = noise(random, oneIn(random, 3) ? random.below(80) : 0);
  const out = new Uint8Array(10 + header.length + data.length);
  out.set([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, header.length & 0xff, header.length >> 8]);
  out.set(utf8.encode(header), 10);
  out.set(data, 10 + header.length);
  return out;
}

/** A tree with one file damaged, or replaced, or under another's name. */
function damagedTree(random: Random): FileTree {
  const tree = new Map(pick(random, TREES));
  const paths = [...tree.keys()];
  for (let left = 1 + random.below(2); left > 0; left--) {
    const path = pick(random, paths);
    const bytes = tree.get(path) ?? new Uint8Array(0);
    const other = tree.get(pick(random, paths)) ?? bytes;
    if (path.endsWith('.json')) tree.set(path, damagedJson(random, bytes));
    else if (path.endsWith('.npy') && oneIn(random, 2)) tree.set(path, hostileNpy(random));
    else if (oneIn(random, 6)) tree.set(path, other);
    else if (oneIn(random, 8)) tree.delete(path);
    else if (oneIn(random, 8)) tree.set(path.replace(/\d+/, String(pick(random, EDGES))), bytes);
    else tree.set(path, mutated(random, bytes));
  }
  return tree;
}

function damagedJson(random: Random, bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  if (oneIn(random, 4)) return mutated(random, bytes);
  return utf8.encode(jsonText(mutatedJson(random, JSON.parse(new TextDecoder().decode(bytes)))));
}

const zipped = (random: Random, tree: FileTree): Uint8Array =>
  oneIn(random, 3) ? zipSync(Object.fromEntries(tree), { level: 6 }) : writeZip(tree);

/** Entries that say the same place: a small archive that unfolds without end. */
function overlapping(random: Random): Uint8Array {
  const path = 'gpu/layer-0/moe_ffn_out.bin';
  const content = encodeAprt(0, new Float32Array(1 << random.below(12)));
  const zip = zipSync({ [path]: content }, { level: 9 });
  const view = new DataView(zip.buffer, zip.byteOffset, zip.byteLength);
  const directory = view.getUint32(zip.length - 22 + 16, true);
  const entry = zip.slice(directory, zip.length - 22);
  const count = 2 + random.below(300);
  const out = new Uint8Array(directory + count * entry.length + 22);
  out.set(zip.subarray(0, directory));
  for (let i = 0; i < count; i++) {
    // Another layer, so that each is a file of its own.
    entry.set(utf8.encode(String(i % 10)), 46 + path.indexOf('0'));
    out.set(entry, directory + i * entry.length);
  }
  out.set(zip.subarray(zip.length - 22), out.length - 22);
  const end = new DataView(out.buffer, out.length - 22);
  end.setUint16(8, count, true);
  end.setUint16(10, count, true);
  return out;
}

/** What is done with a trace that was read: layouts found, and compared with another. */
function used({ traces }: ReadFiles): void {
  for (const trace of traces) {
    const placed = adoptLayout(inferLayout(trace), TRACE);
    for (const captured of placed.captures.values()) {
      const count = captured.shape.reduce((a, b) => a * b, 1);
      if (count !== captured.data.length)
        throw new Error(`${captured.stage} has ${captured.data.length} values for ${count}`);
    }
    try {
      compareTraces({ free: placed }, { free: TRACE }, { common: true, force: true });
    } catch (error) {
      if (!(error instanceof TracerError && error.code === 'trace-mismatch')) throw error;
    }
  }
}

const FILES: readonly ((random: Random) => { readonly how: string; readonly bytes: Uint8Array })[] = [
  (random) => ({ how: 'archive of a damaged tree', bytes: zipped(random, damagedTree(random)) }),
  (random) => ({ how: 'damaged archive', bytes: mutated(random, zipped(random, pick(random, TREES))) }),
  (random) => ({ how: 'entries over each other', bytes: overlapping(random) }),
  (random) => ({ how: 'JSON', bytes: utf8.encode(jsonText(mutatedJson(random, JSON_TRACE))) }),
  (random) => ({ how: 'JSON, damaged', bytes: mutated(random, utf8.encode(JSON.stringify(JSON_TRACE))) }),
  (random) => ({ how: 'CSV', bytes: utf8.encode(mutatedText(random, CSV)) }),
  (random) => ({ how: 'CSV, damaged', bytes: mutated(random, utf8.encode(CSV)) }),
  (random) => ({ how: 'safetensors', bytes: mutated(random, SAFETENSORS) }),
  (random) => ({
    how: 'PyTorch',
    bytes: writeZip(
      new Map([
        ['p/data.pkl', mutated(random, TORCH_PROGRAM)],
        ['p/data/0', TORCH_DATA],
      ]),
    ),
  }),
  (random) => ({ how: 'PyTorch, damaged', bytes: mutated(random, TORCH) }),
  (random) => ({ how: 'JSON of lists', bytes: utf8.encode(jsonText(mutatedJson(random, JSON_LISTS))) }),
  (random) => ({ how: 'printed text', bytes: utf8.encode(mutatedText(random, PRINTED)) }),
  (random) => ({ how: 'noise', bytes: noise(random, random.below(400)) }),
];

/** An inflater's tables for a block: codes of up to 15 bits for lengths and for distances, two bytes each, and the lengths of the codes. */
const INFLATE_TABLES = 2 * 2 * 2 ** 15 + 1024;

/** What an archive accounts for: what its directory claims, once unfolded and once as tensors. 0 where nothing is packed, or it is refused. */
function unfolded(bytes: Uint8Array): number {
  try {
    const claims = isZip(bytes) ? zipClaims(bytes, 'fuzz') : 0;
    return claims === 0 ? 0 : 2 * claims + INFLATE_TABLES;
  } catch {
    return 0;
  }
}

export const TRACES: FuzzTarget = {
  name: 'traces',
  allows: {
    // A byte, or a digit and a comma, becomes a number of 8 bytes and one of 4.
    buffers: [8, 0],
    // Beside what is read: a row for every stage that is compared, whatever the file's size.
    heap: [128, 2 ** 21],
  },
  codes: ['trace-format'],
  make: (random): FuzzCase => {
    const start = seededRandom(random.uint32());
    if (oneIn(random, 3)) {
      const tree = damagedTree(start);
      const size = [...tree].reduce((sum, [path, bytes]) => sum + path.length + bytes.length, 0);
      const input = [...tree.keys()].join('\n');
      return { how: 'damaged tree', size, input, read: () => used(readFileTree(tree, 'fuzz')) };
    }
    const { how, bytes } = pick(random, FILES)(start);
    const { length: size } = bytes;
    return { how, size, beside: unfolded(bytes), input: bytes, read: () => used(readTraces(bytes, 'fuzz')) };
  },
};
