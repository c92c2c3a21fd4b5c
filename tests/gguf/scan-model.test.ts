import { expect, it } from 'vitest';
import { seededRandom } from '../../src/base/random';
import { memorySource } from '../../src/gguf/memory-source';
import { openModel } from '../../src/gguf/open-model';
import { randomBlocks } from '../../src/gguf/random-blocks';
import { scanModel } from '../../src/gguf/scan/scan-model';
import type { ScanFinding, ScanReport } from '../../src/gguf/scan/scan-report';
import { ggufBytes } from '../../src/gguf/writer';
import { NON_FINITE, putFloat } from '../../src/types/lib/float-field';
import { QUANT_TYPES, typeOf, type QuantType } from '../../src/types/types';

/** Four experts of 8 rows of 256; large enough for what is outlying, small enough for every type. */
const DIMS = [256, 8, 4] as const;

type Change = (expert: (e: number) => Uint8Array<ArrayBuffer>) => void;

async function scanned(type: QuantType, change: Change, dims: readonly number[] = DIMS): Promise<ScanReport> {
  const elements = dims.reduce((a, b) => a * b, 1);
  const bytes = randomBlocks(type, elements, 0.02, seededRandom(7));
  const size = bytes.length / (dims[2] ?? 1);
  change((e) => bytes.subarray(e * size, (e + 1) * size));
  const file = { metadata: [], tensors: [{ name: 'w', dims, type, chunks: () => [bytes] }] };
  const model = await openModel([memorySource(ggufBytes(file), 'scan.gguf')]);
  return scanModel(model, () => undefined);
}

/** Findings but for what random blocks have too: scales that are subnormal or 0. */
function odd({ findings }: ScanReport): readonly Omit<ScanFinding, 'tensor' | 'type'>[] {
  return findings
    .filter(({ kind }) => kind !== 'subnormal' && kind !== 'zero')
    .map(({ tensor, type, ...rest }) => (expect([tensor, type]).toEqual(['w', findings[0]?.type]), rest));
}

it.each(QUANT_TYPES)('names what is odd in %s, by expert', async (type) => {
  const { floats, typeSize, blockSize } = typeOf(type);
  const of = (floats.length * DIMS[0] * DIMS[1]) / blockSize;
  const last = floats[floats.length - 1] ?? floats[0];
  const block = typeSize * 3;
  expect(odd(await scanned(type, () => undefined))).toEqual([]);
  expect(odd(await scanned(type, (expert) => expert(2).fill(0)))).toEqual([{ kind: 'blank', expert: 2 }]);
  expect(odd(await scanned(type, (expert) => void expert(3).set(expert(1))))).toEqual([
    { kind: 'duplicate', expert: 3, value: 1 },
  ]);
  const { nan, inf } = NON_FINITE[last.format];
  if (nan !== undefined) {
    const report = await scanned(type, (expert) => {
      putFloat(expert(1), block, last, nan);
    });
    expect(odd(report)).toEqual([{ kind: 'nan', expert: 1, count: 1, of }]);
  }
  if (inf !== undefined) {
    const report = await scanned(type, (expert) => {
      putFloat(expert(0), block, last, inf);
    });
    expect(odd(report)).toEqual([{ kind: 'infinite', expert: 0, count: 1, of }]);
  }
});

it('names a scale that a flipped bit has made large, and a matrix of one value', async () => {
  const flipped = await scanned('Q8_0', (expert) => {
    putFloat(expert(1), 0, typeOf('Q8_0').floats[0], 0x7800);
  });
  expect(odd(flipped)).toMatchObject([{ kind: 'outlying', expert: 1, count: 1 }]);
  expect(odd(await scanned('F32', (expert) => void new Uint8Array(expert(0)).fill(0), [64, 2]))).toEqual([]);
  const ones = (expert: (e: number) => Uint8Array): void => {
    for (let at = 0; at < expert(0).length; at += 4) expert(0).set([0, 0, 0x80, 0x3f], at);
  };
  expect(odd(await scanned('F32', ones, [64, 2]))).toEqual([{ kind: 'constant' }]);
  expect(odd(await scanned('F32', ones, [64]))).toEqual([]);
});

it('counts the same whatever pieces it reads, and can be ended', async () => {
  // Experts of 9.4 MB: each is read in two pieces.
  const large = [1024, 8704, 2] as const;
  const report = await scanned('Q8_0', (expert) => void expert(1).set(expert(0)), large);
  expect(odd(report)).toEqual([{ kind: 'duplicate', expert: 1, value: 0 }]);
  const file = { metadata: [], tensors: [{ name: 'w', dims: [32], type: 'F32' as const }] };
  const model = await openModel([memorySource(ggufBytes(file), 'scan.gguf')]);
  await expect(scanModel(model, () => undefined, AbortSignal.abort())).rejects.toMatchObject({ code: 'run-cancelled' });
});
