import { beforeAll, describe, expect, it } from 'vitest';
import type { ModelFile } from '../../../src/gguf/model-file';
import { faultyModel } from '../../../src/gpu/faults/faulty-model';
import type { HParams } from '../../../src/model/hparams';
import { parseFault } from '../../../src/model/parse-fault';
import { made } from '../engine/support';

let model: ModelFile;
let hparams: HParams;
beforeAll(async () => {
  ({ model, hparams } = await made({ type: 'Q8_0' }));
});

const DOWN = 'blk.1.ffn_down_exps.weight';
/** Bytes of one expert's down projection: 64 rows of one Q8_0 block. */
const EXPERT_BYTES = 64 * 34;

function faulty(...specs: readonly string[]): ModelFile {
  return faultyModel(model, hparams, specs.map(parseFault));
}

async function read(from: ModelFile, name: string, offset = 0, length?: number): Promise<Uint8Array> {
  const tensor = from.tensors.get(name);
  if (tensor === undefined) throw new Error(`no ${name}`);
  return from.readTensor(tensor, offset, length ?? tensor.bytes - offset);
}

/** Bytes of a tensor that differ from the file's. */
async function differences(from: ModelFile, name: string): Promise<readonly number[]> {
  const [own, changed] = [await read(model, name), await read(from, name)];
  return [...own.keys()].filter((i) => own[i] !== changed[i]);
}

describe('a model with a fault', () => {
  it('differs in the bytes that are struck, and nowhere else', async () => {
    const bit = faulty('bitflip@layer=1,expert=2');
    expect(await differences(bit, DOWN)).toEqual([2 * EXPERT_BYTES + 2]);
    for (const name of model.tensors.keys()) if (name !== DOWN) expect(await differences(bit, name)).toEqual([]);
    const scale = faulty('scale-bitflip@layer=1,expert=3,tensor=ffn_up_exps,bit=0');
    expect(await differences(scale, 'blk.1.ffn_up_exps.weight')).toEqual([3 * 32 * 2 * 34]);
    expect(await differences(faulty('nan@layer=0,tensor=attn_norm'), 'blk.0.attn_norm.weight')).not.toEqual([]);
  });

  it('gives the same bytes in whatever pieces they are read, and leaves the file alone', async () => {
    const before = await read(model, DOWN);
    const nan = faulty('nan@layer=1,expert=1');
    const whole = await read(nan, DOWN);
    const pieces: number[] = [];
    for (let at = 0; at < whole.length; at += 113) {
      pieces.push(...(await read(nan, DOWN, at, Math.min(113, whole.length - at))));
    }
    expect(pieces).toEqual([...whole]);
    expect(await read(model, DOWN)).toEqual(before);
  });

  it('strikes the expert that is read first where none is named, and no other', async () => {
    const bit = faulty('bitflip@layer=1');
    const third = await read(bit, DOWN, 3 * EXPERT_BYTES, EXPERT_BYTES);
    const own = await read(model, DOWN, 3 * EXPERT_BYTES, EXPERT_BYTES);
    expect([...own.keys()].filter((i) => own[i] !== third[i])).toEqual([2]);
    expect(await differences(bit, DOWN)).toEqual([3 * EXPERT_BYTES + 2]);
  });

  it('calls a tensor another type, whose rows may end beyond it', async () => {
    const blind = faulty('qtype-blind@layer=1');
    expect(model.tensors.get(DOWN)?.type).toBe('Q8_0');
    expect(blind.tensors.get(DOWN)?.type).toBe('Q4_0');
    expect(blind.tensors.get('blk.0.ffn_down_exps.weight')?.type).toBe('Q8_0');
    const own = await read(model, DOWN);
    expect([...(await read(blind, DOWN, own.length - 10, 40))]).toEqual([
      ...own.slice(-10),
      ...Array<number>(30).fill(0),
    ]);
    expect([...(await read(blind, DOWN, own.length + 100, 5))]).toEqual([0, 0, 0, 0, 0]);
    const padded = await read(blind, DOWN, 0, own.length + 8);
    expect(padded.slice(0, own.length)).toEqual(own);
    expect([...padded.slice(own.length)]).toEqual(Array<number>(8).fill(0));
  });

  it('holds several faults, and none in layers that are not named', async () => {
    const two = faulty('bitflip@layer=0,tensor=attn_q', 'inf@layer=1,tensor=attn_k');
    expect(await differences(two, 'blk.0.attn_q.weight')).toEqual([2]);
    expect((await differences(two, 'blk.1.attn_k.weight')).every((i) => i < 2)).toBe(true);
    expect(await differences(two, 'blk.0.attn_k.weight')).toEqual([]);
    expect(await differences(two, DOWN)).toEqual([]);
  });
});
