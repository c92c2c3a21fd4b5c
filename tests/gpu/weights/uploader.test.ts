import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { seededRandom } from '../../../src/base/random';
import { rowBytes, type QuantType } from '../../../src/gguf/ggml-types';
import type { ModelFile } from '../../../src/gguf/model-file';
import { randomBlocks } from '../../../src/gguf/random-blocks';
import { GpuContext } from '../../../src/gpu/device';
import { repackRows } from '../../../src/gpu/matmul/repack';
import { readBack } from '../../../src/gpu/readback';
import { StagingRing, type StagedRoom } from '../../../src/gpu/weights/staging-ring';
import type { PlacedRows } from '../../../src/gpu/weights/placed-rows';
import { Uploader } from '../../../src/gpu/weights/uploader';
import type { WeightTensor } from '../../../src/gguf/tensor-rows';
import { gpuRowWords } from '../../../src/ops/weight-layout';
import { codeOf } from '../../support/errors';
import { testContext } from '../../support/gpu';

let context: GpuContext;
/** The software adapter, taken for hardware: its weights then come by way of mapped memory. */
let hardware: GpuContext;
beforeAll(async () => {
  context = await testContext('default');
  hardware = new GpuContext(context.device, { ...context.card, isSoftware: false }, true);
});
afterAll(() => {
  hardware.dispose();
  context.dispose();
});

interface Made {
  readonly tensor: WeightTensor;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

function tensorOf(type: QuantType, nIn: number, nOut: number, nExpert: number): Made {
  const random = seededRandom(nIn + nOut);
  const rows = nOut * nExpert;
  const bytes = randomBlocks(type, rows * nIn, 1, random);
  const length = rows * rowBytes(type, nIn);
  expect(bytes.length).toBe(length);
  const tensor = {
    name: type,
    dims: [nIn, nOut, nExpert],
    type,
    elements: rows * nIn,
    bytes: length,
    part: 0,
    offset: 0,
  };
  return { tensor, bytes };
}

/** Reads that end in no order, as those of a disk do. */
function modelOf({ bytes }: Made, what: { failsAt?: number } = {}): Pick<ModelFile, 'readTensor'> {
  const random = seededRandom(5);
  return {
    readTensor: async (_tensor, offset, length, _signal, into) => {
      await new Promise((resolve) => setTimeout(resolve, random.below(8)));
      if (offset === what.failsAt) throw new Error('a bad block');
      const found = bytes.subarray(offset, offset + length);
      if (into === undefined) return found.slice();
      into.set(found);
      return into;
    },
  };
}

/** Experts of a tensor, each in a buffer of its own, the last first. */
function targetsOf({ tensor }: Made, experts: readonly number[]): readonly PlacedRows[] {
  const [nIn = 0, nOut = 0] = tensor.dims;
  const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST | GPUBufferUsage.COPY_SRC;
  return experts.map((expert) => {
    const buffer = context.allocate('expert', 64 + 4 * nOut * gpuRowWords(tensor.type, nIn), usage);
    return { tensor, firstRow: expert * nOut, rows: nOut, buffer, offset: 64 };
  });
}

async function expectArrived({ tensor, bytes }: Made, targets: readonly PlacedRows[]): Promise<void> {
  const [nIn = 0] = tensor.dims;
  const row = rowBytes(tensor.type, nIn);
  for (const { firstRow, rows, buffer, offset } of targets) {
    const there = new Uint8Array(await readBack(context, [{ buffer, offset: 0, size: buffer.size }])).subarray(offset);
    const file = bytes.slice(firstRow * row, (firstRow + rows) * row);
    const wanted = new Uint8Array(repackRows(tensor.type, file, rows, nIn).buffer);
    expect(there.findIndex((byte, i) => byte !== wanted[i])).toBe(-1);
    context.release(buffer);
  }
}

describe('weights by way of mapped memory', () => {
  // Q4_K lies on the GPU as in the file; the others are repacked there. A matrix of 100 rows ends where no binding may begin.
  it.each([
    ['Q4_K', 512, 256],
    ['Q6_K', 512, 256],
    ['Q6_K', 512, 500],
    ['Q8_0', 512, 256],
    ['F32', 512, 256],
  ] as const)('neighbours of %s, %i x %i, in one read', async (type, nIn, nOut) => {
    const made = tensorOf(type, nIn, nOut, 5);
    const uploader = new Uploader(hardware, 'streamed');
    const targets = targetsOf(made, [1, 2, 3]);
    const alone = targetsOf(made, [4]);
    const read: number[] = [];
    const options = { model: modelOf(made), onRead: (_: string, bytes: number) => read.push(bytes) };
    await Promise.all([uploader.uploadRun(targets, options), uploader.upload(alone, options)]);
    await expectArrived(made, [...targets, ...alone]);
    expect(read.reduce((sum, bytes) => sum + bytes)).toBe((made.bytes.length / 5) * 4);
    uploader.dispose();
  });

  it.each(['Q4_K', 'Q6_K'] as const)('%s in slices, more than lie in staging at a time', async (type) => {
    const made = tensorOf(type, 2048, 3000, 8);
    const uploader = new Uploader(hardware, 'streamed');
    const targets = targetsOf(made, [0, 1, 2, 3, 4, 5, 6, 7]);
    await Promise.all(targets.map((target) => uploader.upload([target], { model: modelOf(made) })));
    await expectArrived(made, targets);
    uploader.dispose();
  });

  it('a read that fails is the only one that does', async () => {
    const made = tensorOf('Q6_K', 512, 256, 4);
    const uploader = new Uploader(hardware, 'streamed');
    const targets = targetsOf(made, [0, 1, 2]);
    const expert = made.bytes.length / 4;
    const bring = (target: PlacedRows): Promise<void> =>
      uploader.upload([target], { model: modelOf(made, { failsAt: expert }) });
    const outcomes = await Promise.allSettled(targets.map(bring));
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    await expectArrived(
      made,
      targets.filter((_, i) => i !== 1),
    );
    // Its room is another's now.
    const again = targetsOf(made, [1, 3]);
    await uploader.uploadRun(again.slice(0, 1), { model: modelOf(made) });
    await uploader.upload(again.slice(1), { model: modelOf(made) });
    await expectArrived(made, again);
    uploader.dispose();
  });

  it('a cancel ends what is under way', async () => {
    const made = tensorOf('Q4_K', 2048, 3000, 4);
    const uploader = new Uploader(hardware, 'streamed');
    const targets = targetsOf(made, [0, 1, 2, 3]);
    const abort = new AbortController();
    const running = codeOf(() => uploader.upload(targets, { model: modelOf(made), signal: abort.signal }));
    setTimeout(() => {
      abort.abort();
    }, 5);
    expect(await running).toBe('run-cancelled');
    for (const { buffer } of targets) context.release(buffer);
    await uploader.abandon();
    uploader.dispose();
  });
});

describe('a staging ring', () => {
  const open = (submitted: string[]): StagingRing =>
    new StagingRing(hardware, { most: 2, bytes: 4096 }, () => submitted.push('submit'));

  it('submits together what was read together, and waits where all room is taken', async () => {
    const submitted: string[] = [];
    const ring = open(submitted);
    const copied = (name: string) => () => void submitted.push(name);
    const rooms: StagedRoom[] = [];
    for (let i = 0; i < 3; i++) rooms.push(await ring.room(1500));
    const [a, b, c] = rooms as [StagedRoom, StagedRoom, StagedRoom];
    // Two buffers hold two each; the fifth waits.
    const d = await ring.room(1500);
    let fifth: StagedRoom | undefined;
    const waits = ring.room(1500).then((room) => (fifth = room));
    const done = [b.arrived(copied('b')), d.arrived(copied('d'))];
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(fifth).toBeUndefined();
    expect(submitted).toEqual([]);
    done.push(a.arrived(copied('a')));
    expect(submitted).toEqual(['b', 'a', 'submit']);
    await waits;
    c.failed();
    expect(submitted).toEqual(['b', 'a', 'submit', 'd', 'submit']);
    fifth?.failed();
    await Promise.all(done);
    // One that no buffer holds gets a larger one.
    const large = await ring.room(10_000);
    expect(large.bytes.length).toBe(10_000);
    large.bytes.fill(1);
    await large.arrived(copied('large'));
    await ring.settled();
    ring.dispose();
  });

  it('tells the waiting caller what could not be copied', async () => {
    const ring = open([]);
    const room = await ring.room(100);
    const failing = room.arrived(() => {
      throw new Error('no such buffer');
    });
    await expect(failing).rejects.toThrow('no such buffer');
    ring.dispose();
  });
});
