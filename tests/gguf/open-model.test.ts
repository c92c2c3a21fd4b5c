import { createHash } from 'node:crypto';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { ByteSource } from '../../src/gguf/byte-source';
import { memorySource } from '../../src/gguf/memory-source';
import { openModel } from '../../src/gguf/open-model';
import { openSource } from '../../src/gguf/open-source';
import { ggufBytes, layoutGguf, type GgufToWrite, type TensorToWrite, type TypedValue } from '../../src/gguf/writer';
import { codeOf, tracerErrorOf } from '../support/errors';

const filled = (name: string, value: number): TensorToWrite => ({
  name,
  dims: [16],
  type: 'F32',
  chunks: () => [new Uint8Array(64).fill(value)],
});

interface PartSpec {
  readonly no: number | undefined;
  readonly count: number | undefined;
  readonly tensors: readonly TensorToWrite[];
  readonly total?: number;
  readonly metadata?: readonly (readonly [string, TypedValue])[];
}

/** As gguf-split writes a part: u16 split.no and split.count, i32 split.tensors.count. */
function partFile({ no, count, tensors, total, metadata = [] }: PartSpec): GgufToWrite {
  const split: [string, TypedValue][] = [];
  if (no !== undefined) split.push(['split.no', { type: 'uint16', value: no }]);
  if (count !== undefined) split.push(['split.count', { type: 'uint16', value: count }]);
  if (total !== undefined) split.push(['split.tensors.count', { type: 'int32', value: total }]);
  return { metadata: [...metadata, ...split], tensors };
}

const source = (name: string, spec: PartSpec): ByteSource => memorySource(ggufBytes(partFile(spec)), name);

/** A model of three parts with five tensors; the first part has the metadata, as gguf-split leaves it. */
function threeParts(name = 'model'): [ByteSource, ByteSource, ByteSource] {
  const part = (no: number, tensors: readonly TensorToWrite[], metadata: PartSpec['metadata'] = []): ByteSource =>
    source(`${name}-0000${no + 1}-of-00003.gguf`, { no, count: 3, total: 5, tensors, metadata });
  return [
    part(0, [filled('a', 1), filled('b', 2)], [['general.architecture', { type: 'string', value: 'qwen3moe' }]]),
    part(1, [filled('c', 3)]),
    part(2, [filled('d', 4), filled('e', 5)]),
  ];
}

afterEach(() => {
  vi.unstubAllGlobals();
});

describe('one file', () => {
  const file: GgufToWrite = {
    metadata: [['general.name', { type: 'string', value: 'one' }]],
    tensors: [filled('a', 1), filled('b', 2)],
  };
  const bytes = ggufBytes(file);

  it('is described in full', async () => {
    const model = await openModel([memorySource(bytes, 'one.gguf')]);
    expect(model.name).toBe('one.gguf');
    expect(model.version).toBe(3);
    expect(model.bytes).toBe(bytes.length);
    expect([...model.tensors.keys()]).toEqual(['a', 'b']);
    expect(model.tensors.get('b')).toEqual({
      name: 'b',
      dims: [16],
      type: 'F32',
      elements: 16,
      bytes: 64,
      part: 0,
      offset: layoutGguf(file).offsets[1],
    });
  });

  it('is named by the SHA-256 of exactly its header, with and without crypto.subtle', async () => {
    const model = await openModel([memorySource(bytes)]);
    // Magic to the end of the tensor entries: 24 + the key + two entries of 8 + 1 + 4 + 8 + 4 + 8.
    const headerBytes = 24 + (8 + 12 + 4 + 8 + 3) + 2 * 33;
    expect(model.headerBytes).toBe(headerBytes);
    expect(model.headerSha256).toBe(createHash('sha256').update(bytes.subarray(0, headerBytes)).digest('hex'));
    vi.stubGlobal('crypto', undefined);
    expect((await openModel([memorySource(bytes)])).headerSha256).toBe(model.headerSha256);
  });

  it('reads parts of tensors and counts what it read', async () => {
    const model = await openModel([memorySource(bytes)]);
    const b = model.tensors.get('b');
    if (b === undefined) throw new Error('no tensor b');
    const before = model.bytesRead;
    expect(before).toBe(bytes.length);
    expect(await model.readTensor(b, 0, 64)).toEqual(new Uint8Array(64).fill(2));
    expect(await model.readTensor(b, 60, 4)).toEqual(new Uint8Array(4).fill(2));
    expect(model.bytesRead - before).toBe(68);
  });

  it.each([
    [0, 65],
    [64, 1],
    [-1, 2],
    [0.5, 1],
    [0, NaN],
  ])('refuses offset %d length %d of a tensor', async (offset, length) => {
    const model = await openModel([memorySource(bytes)]);
    const a = model.tensors.get('a');
    if (a === undefined) throw new Error('no tensor a');
    const error = await tracerErrorOf(() => model.readTensor(a, offset, length));
    expect(error.code).toBe('gguf-truncated');
    expect(error.message).toContain('tensor a');
  });

  it('closes its source, also when opening fails', async () => {
    let closed = 0;
    const closing = (inner: ByteSource): ByteSource => ({
      ...inner,
      close: () => {
        closed++;
        return Promise.resolve();
      },
    });
    const model = await openModel([closing(memorySource(bytes))]);
    expect(closed).toBe(0);
    await model.close();
    expect(closed).toBe(1);
    expect(await codeOf(() => openModel([closing(memorySource(new Uint8Array(3)))]))).toBe('gguf-not-gguf');
    expect(closed).toBe(2);
  });

  it('honours abort', async () => {
    expect(await codeOf(() => openModel([memorySource(bytes)], AbortSignal.abort()))).toBe('run-cancelled');
  });
});

describe('a split model', () => {
  it.each([
    [0, 1, 2],
    [2, 0, 1],
    [1, 2, 0],
  ])('in order %d %d %d is one model', async (...order) => {
    const parts = threeParts();
    const model = await openModel(order.flatMap((i) => parts[i] ?? []));
    expect(model.name).toBe('model-00001-of-00003.gguf');
    expect(model.bytes).toBe(parts.reduce((sum, p) => sum + p.size, 0));
    expect(model.metadata.get('general.architecture')).toBe('qwen3moe');
    expect([...model.tensors.values()].map((t) => [t.name, t.part])).toEqual([
      ['a', 0],
      ['b', 0],
      ['c', 1],
      ['d', 2],
      ['e', 2],
    ]);
    for (const [i, tensor] of [...model.tensors.values()].entries()) {
      expect(await model.readTensor(tensor, 0, 64)).toEqual(new Uint8Array(64).fill(i + 1));
    }
  });

  it('opens again from its descriptors', async () => {
    const [first, second, third] = threeParts();
    const model = await openModel([third, first, second]);
    const again = await openModel(await Promise.all(model.descriptors.map((d) => openSource(structuredClone(d)))));
    expect(again.headerSha256).toBe(model.headerSha256);
    expect([...again.tensors.keys()]).toEqual([...model.tensors.keys()]);
  });

  it('of one part is a model of its own', async () => {
    const model = await openModel([
      source('m-00001-of-00001.gguf', { no: 0, count: 1, tensors: [filled('a', 1)], total: 1 }),
    ]);
    expect(model.tensors.size).toBe(1);
  });

  it.each([0, undefined])('merged again (split.count 0, split.no %s) is a model of its own', async (no) => {
    const model = await openModel([source('merged.gguf', { no, count: 0, tensors: [filled('a', 1)], total: 1 })]);
    expect([...model.tensors.keys()]).toEqual(['a']);
  });

  const [first, second, third] = threeParts();
  const [otherFirst] = threeParts('other');
  const unnamed = (i: number, no = i): ByteSource =>
    source(`part${i}`, { no, count: 3, tensors: [filled(`t${i}`, i)] });

  // prettier-ignore
  const refused: readonly (readonly [string, readonly ByteSource[], readonly string[]])[] = [
    ['no file', [], ['No file']],
    ['two parts missing', [second], ['model-00001-of-00003.gguf', 'model-00003-of-00003.gguf']],
    ['one part missing', [third, first], ['missing: model-00002-of-00003.gguf.']],
    ['a part missing, names unknown', [unnamed(0), unnamed(2)], ['missing: part 2.']],
    ['a part twice', [first, second, third, second], ['are both part 2 of 3']],
    ['a part of another model, by name', [otherFirst, second, third], ['other-00001-of-00003.gguf', 'not parts of one model']],
    ['two whole models', [source('x.gguf', { no: undefined, count: undefined, tensors: [] }), source('y.gguf', { no: undefined, count: undefined, tensors: [] })], ['x.gguf and y.gguf are two models']],
    ['a part and a whole model', [first, source('y.gguf', { no: undefined, count: undefined, tensors: [] })], ['split.count is 3 in one and 1 in the other']],
    ['a whole model and a part', [source('y.gguf', { no: undefined, count: undefined, tensors: [] }), first], ['split.count is 1 in one and 3 in the other']],
    ['another count', [first, source('p', { no: 1, count: 2, tensors: [] })], ['split.count is 3 in one and 2 in the other']],
    ['no split.no', [unnamed(0), unnamed(1), source('p', { no: undefined, count: 3, tensors: [] })], ['split.no is missing']],
    ['split.no out of range', [unnamed(0), unnamed(1), unnamed(2, 3)], ['split.no is 3']],
    ['two merged models', [0, 1].map((i) => source(`m${i}`, { no: 0, count: 0, tensors: [filled(`t${i}`, 0)] })), ['m0 and m1 are two models']],
    ['the same tensor in two parts', [unnamed(0), unnamed(1), source('p', { no: 2, count: 3, tensors: [filled('t0', 0)] })], ['Tensor t0 is in part0 and in p']],
    ['a wrong tensor count', [0, 1].map((no) => source(`p${no}`, { no, count: 2, total: 3, tensors: [filled(`t${no}`, 0)] })), ['hold 2 tensors', 'says 3']],
    ['other architectures', [0, 1].map((no) => source(`p${no}`, { no, count: 2, tensors: [], metadata: [['general.architecture', { type: 'string', value: `arch${no}` }]] })), ['general.architecture is arch0 in one and arch1']],
  ];

  it.each(refused)('with %s is refused', async (_name, sources, says) => {
    const error = await tracerErrorOf(() => openModel(sources));
    expect(error.code).toBe('gguf-split');
    for (const text of says) expect(error.message).toContain(text);
  });

  it('joined with cat is called so', async () => {
    const all = await Promise.all(threeParts().map((part) => part.read(0, part.size)));
    const joined = new Uint8Array(Buffer.concat(all));
    const error = await tracerErrorOf(() => openModel([memorySource(joined, 'all.gguf')]));
    expect(error.code).toBe('gguf-split');
    expect(error.message).toContain(`joined with cat: another GGUF begins at byte ${all[0]?.length ?? 0}.`);
  });

  it.each(['x.gguf.part1of2', 'x.gguf-split-a', 'x.gguf.part2of2'])(
    'cut into pieces, %s says how they are joined',
    async (name) => {
      const whole = ggufBytes(partFile({ no: undefined, count: undefined, tensors: [filled('a', 1), filled('b', 2)] }));
      const half = whole.length - 80;
      const piece = name.endsWith('2of2') ? whole.slice(half) : whole.slice(0, half);
      const error = await tracerErrorOf(() => openModel([memorySource(piece, name)]));
      expect(error.message).toContain('a piece of x.gguf');
      expect(error.remedy).toMatch(/cat x\.gguf(?:\.part|-split-)\* > x\.gguf\)/);
    },
  );

  it('is looked at in part where parts are missing or the file is cut', async () => {
    const told: string[] = [];
    const model = await openModel([second], undefined, (problem) => told.push(problem.message));
    expect([...model.tensors.keys()]).toEqual(['c']);
    const whole = ggufBytes(partFile({ no: undefined, count: undefined, tensors: [filled('a', 1), filled('b', 2)] }));
    const cut = memorySource(whole.slice(0, -100), 'cut.gguf');
    const rest = await openModel([cut], undefined, (problem) => told.push(problem.message));
    expect([...rest.tensors.keys()]).toEqual(['a', 'b']);
    expect(told).toEqual([
      expect.stringContaining('missing: model-00001-of-00003.gguf'),
      expect.stringContaining('cut.gguf ends before'),
    ]);
  });

  it('with a broken part names that part', async () => {
    const error = await tracerErrorOf(() => openModel([first, memorySource(new Uint8Array(5), 'broken.gguf'), third]));
    expect(error.code).toBe('gguf-not-gguf');
    expect(error.message).toContain('broken.gguf');
  });
});
