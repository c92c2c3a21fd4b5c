import { mkdtemp, open, rm, stat, type FileHandle } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { blobSource } from '../../src/gguf/blob-source';
import type { ByteSource } from '../../src/gguf/byte-source';
import { httpSource } from '../../src/gguf/http-source';
import { memorySource } from '../../src/gguf/memory-source';
import { nodeSource } from '../../src/gguf/node-source';
import { openModel } from '../../src/gguf/open-model';
import { startRangeServer, type RangeServer } from '../support/gguf-http-server';
import { makeModel, makeSparseModel } from '../support/gguf-models';

/* A file above 4 GiB, most of it a hole: offsets must survive beyond 32 bits, and memory must not follow the file's size. */

const recipe = { seed: 3, shape: { nLayer: 1 } } as const;
let folder: string;
let path: string;
let file: FileHandle;
let size: number;
let server: RangeServer;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'moescope-large-'));
  path = join(folder, 'large.gguf');
  await makeSparseModel(path, recipe);
  file = await open(path);
  size = (await file.stat()).size;
  server = await startRangeServer(new Uint8Array(0));
});

afterAll(async () => {
  await server.close();
  await file.close();
  await rm(folder, { recursive: true });
});

async function slice(from: number, to: number): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(to - from);
  await file.read(bytes, 0, bytes.length, from);
  return bytes;
}

/** A stand-in for a browser's File: Node's own file-backed blobs end at 4 GiB. */
function largeBlob(): Blob {
  const blob = new Blob([]);
  Object.defineProperty(blob, 'size', { value: size });
  blob.slice = (from = 0, to = size) => {
    const part = new Blob([]);
    part.arrayBuffer = async () => (await slice(from, to)).buffer;
    return part;
  };
  return blob;
}

function overHttp(): Promise<ByteSource> {
  server.state.answer = (request, response) => {
    const match = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '');
    const [from, to] = [Number(match?.[1]), Math.min(Number(match?.[2]), size - 1)];
    void slice(from, to + 1).then((bytes) => {
      response.writeHead(206, { 'content-range': `bytes ${from}-${to}/${size}` }).end(bytes);
    });
    return true;
  };
  return httpSource({ kind: 'http', url: server.url });
}

describe('a model above 4 GiB', () => {
  it('is large to read and small on disk', async () => {
    const { blocks } = await stat(path);
    expect(size).toBeGreaterThan(2 ** 32);
    expect(blocks * 512).toBeLessThan(2 ** 24);
  });

  it.each<[string, () => Promise<ByteSource>]>([
    ['path', () => nodeSource(path)],
    ['blob', () => Promise.resolve(blobSource(largeBlob(), 'large.gguf'))],
    ['URL', overHttp],
  ])('from a %s, has every tensor of the small model, bit for bit, beyond 4 GiB', async (_kind, openSource) => {
    const before = process.memoryUsage().arrayBuffers;
    const large = await openModel([await openSource()]);
    const small = await openModel([memorySource(makeModel(recipe))]);
    expect(large.tensors.size).toBe(small.tensors.size + 1);
    for (const tensor of small.tensors.values()) {
      const there = large.tensors.get(tensor.name);
      if (there === undefined) throw new Error(`no ${tensor.name}`);
      expect(there.offset).toBeGreaterThan(2 ** 32);
      const [a, b] = await Promise.all([
        large.readTensor(there, 0, there.bytes),
        small.readTensor(tensor, 0, tensor.bytes),
      ]);
      expect(Buffer.compare(a, b)).toBe(0);
    }
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(2 ** 28);
    await large.close();
  });

  it('reads its hole in pieces: zeros, up to the last byte', async () => {
    const model = await openModel([await nodeSource(path)]);
    const hole = model.tensors.get('unused.padding');
    if (hole === undefined) throw new Error('no hole');
    expect(hole.bytes).toBe(2 ** 32 + 4096);
    expect(await model.readTensor(hole, hole.bytes - 8, 8)).toEqual(new Uint8Array(8));
    expect(model.bytes).toBeGreaterThan(2 ** 32);
    await model.close();
  });
});
