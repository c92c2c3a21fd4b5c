import { describe, expect, it } from 'vitest';
import { sha256Hex } from '../../src/base/sha256';
import { QUANT_TYPES, rowBytes } from '../../src/gguf/ggml-types';
import { ggufBytes, type TensorToWrite } from '../../src/gguf/writer';
import { blockStream } from '../../src/synthetic/block-stream';
import type { ModelWish } from '../../src/synthetic/make-recipe';
import { modelToWrite } from '../../src/synthetic/model-to-write';
import { markRows } from '../../src/synthetic/row-marks';
import { recipeOf } from './support';

function tensor(wish: Partial<ModelWish>, name: string): TensorToWrite {
  const found = modelToWrite(recipeOf(wish)).tensors.find((t) => t.name === name);
  if (found === undefined) throw new Error(`no tensor ${name}`);
  return found;
}

/** A tensor's data, whole. */
function dataOf({ chunks }: TensorToWrite): Buffer<ArrayBuffer> {
  // Copied one by one: a chunk is overwritten by the next.
  return Buffer.concat(Array.from(chunks?.() ?? [], (chunk) => Buffer.from(chunk)));
}

describe('seeds', () => {
  it('give the same bytes again', () => {
    const bytes = (): Uint8Array => ggufBytes(modelToWrite(recipeOf({ seed: 3 })));
    expect(Buffer.compare(bytes(), bytes())).toBe(0);
  });

  it('give the same quants on every machine', async () => {
    // Quants and scales come from whole-number arithmetic alone.
    const hashes = await Promise.all(
      ['blk.0.attn_q.weight', 'blk.1.ffn_down_exps.weight'].map((name) => sha256Hex(dataOf(tensor({}, name)))),
    );
    expect(hashes).toEqual([
      'cf8f14d4eb73a152598776cd8b784e1bd2a402412ae82a1e3a88a5a330242d85',
      'd99175bfeff401d585a901762b2d59b8f0cb19ee082696ca1d9742ca81422375',
    ]);
  });

  it('give other bytes in every tensor', () => {
    const other = modelToWrite(recipeOf({ seed: 2 })).tensors;
    for (const [i, t] of modelToWrite(recipeOf({ seed: 1 })).tensors.entries()) {
      const counterpart = other[i];
      expect(counterpart !== undefined && dataOf(t).equals(dataOf(counterpart)), t.name).toBe(false);
    }
  });
});

describe('rows', () => {
  it('are all different, far beyond the pool that they are cut from', () => {
    // 30 MB of one type and scale; a pool is 8 MiB.
    const head = tensor({ sizes: { nEmbd: 2048, nVocab: 18_000 } }, 'output.weight');
    const rowLength = rowBytes(head.type, 2048);
    const data = dataOf(head);
    expect(data).toHaveLength(18_000 * rowLength);
    const rows = new Set(
      Array.from({ length: 18_000 }, (_, i) => data.toString('latin1', i * rowLength, (i + 1) * rowLength)),
    );
    expect(rows.size).toBe(18_000);
  });

  it('differ between experts and between layers', () => {
    const wish: Partial<ModelWish> = { sizes: { nExpert: 64, nLayer: 3 } };
    const starts = [0, 1, 2].flatMap((layer) => {
      const t = tensor(wish, `blk.${layer}.ffn_up_exps.weight`);
      const data = dataOf(t);
      const expertBytes = data.length / 64;
      return Array.from({ length: 64 }, (_, e) => data.toString('latin1', e * expertBytes, (e + 1) * expertBytes));
    });
    expect(new Set(starts).size).toBe(3 * 64);
  });

  it.each(QUANT_TYPES)('of %s are marked in their quants only', (type) => {
    const plain = new Uint8Array(rowBytes(type, 512) * 3);
    const marked = plain.slice();
    markRows(marked, type, rowBytes(type, 512), 77);
    const touched = [...marked.keys()].filter((i) => marked[i] !== plain[i]);
    const isFloat = ['F32', 'F16', 'BF16'].includes(type);
    expect(touched.length > 0).toBe(!isFloat);
    for (const at of touched) expect(at % rowBytes(type, 512)).toBeLessThan(20);
  });
});

describe('a stream of blocks', () => {
  const MiB = 2 ** 20;

  it('is the same however it is cut', () => {
    const whole = new Uint8Array(144 * 150_000);
    blockStream('Q4_K', 1, 9, whole.length).read(0, whole);
    const cut = new Uint8Array(whole.length);
    const stream = blockStream('Q4_K', 1, 9, whole.length);
    for (let at = 0; at < cut.length; at += 144 * 7001) stream.read(at, cut.subarray(at, at + 144 * 7001));
    expect(Buffer.compare(whole, cut)).toBe(0);
  });

  it('is fresh up to the size of the pool and shifted from then on', () => {
    const bytes = new Uint8Array(34 * Math.floor((24 * MiB) / 34));
    blockStream('Q8_0', 1, 4, bytes.length).read(0, bytes);
    const text = Buffer.from(bytes);
    const blockAt = (i: number): string => text.toString('latin1', 34 * i, 34 * (i + 1));
    const poolBlocks = Math.ceil((8 * MiB) / 34);
    expect(new Set(Array.from({ length: poolBlocks }, (_, i) => blockAt(i))).size).toBe(poolBlocks);
    expect(blockAt(poolBlocks)).not.toBe(blockAt(0));
    expect(blockAt(2 * poolBlocks)).not.toBe(blockAt(poolBlocks));
  });
});
