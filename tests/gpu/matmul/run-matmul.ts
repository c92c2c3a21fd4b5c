import { seededRandom } from '../../../src/base/random';
import type { QuantType } from '../../../src/gguf/ggml-types';
import type { GpuContext } from '../../../src/gpu/device';
import { encodeMatmul, type Matmul } from '../../../src/gpu/matmul/encode-matmul';
import { repackRows } from '../../../src/gpu/matmul/repack';
import { gpuRowWords } from '../../../src/gpu/matmul/weight-layout';
import { workList } from '../../../src/gpu/matmul/work-list';
import type { BufferRange } from '../../../src/gpu/recorder';
import { Recorder } from '../../../src/gpu/recorder';
import { guardedOutput, UNWRITTEN_BITS, upload } from '../../../src/gpu/probe/guarded';
import { readGuarded } from '../../support/gpu';
import { randomWeights, type WeightKind } from '../../../src/selftest/random-weights';
import { dequantised, product } from './twin';

export type InputKind = 'normal' | 'zero' | 'one-hot' | 'large' | 'subnormal' | 'minus-zero';

/** A product with everything that can go wrong about where things lie. */
export interface MatmulCase {
  readonly type: QuantType;
  readonly nIn: number;
  readonly nOut: number;
  /** For each matrix, the rows of x that it meets; an empty list is an expert that no token chose. */
  readonly shares: readonly (readonly number[])[];
  readonly weights: WeightKind;
  readonly input: InputKind;
  /** Elements between the rows of x and y beyond what they need, and before the first. */
  readonly gap: number;
  readonly seed: number;
}

export interface MatmulOutcome {
  /** Largest |gpu - twin| / bound; NaN counts as Infinity. */
  readonly worstRatio: number;
  /** Words of y between its rows that changed. */
  readonly strayWrites: number;
  readonly bits: Uint32Array<ArrayBuffer>;
}

/** Runs one case on the GPU and compares every element with the twin. x holds NaN wherever the product has no business. */
export async function runCase(context: GpuContext, matmul: Matmul, c: MatmulCase): Promise<MatmulOutcome> {
  const nMatrices = c.shares.length;
  const bytes = randomWeights(c.type, nMatrices * c.nOut, c.nIn, c.weights, c.seed);
  const matrixWords = c.nOut * gpuRowWords(c.type, c.nIn);

  const xStride = c.nIn + c.gap;
  const nX = 1 + Math.max(...c.shares.flat());
  const x = new Float32Array(c.gap + nX * xStride).fill(NaN);
  const input = inputs(c.input, c.nIn, c.seed + 1);
  for (let r = 0; r < nX; r++) x.set(input(r), c.gap + r * xStride);

  // Product rows go to y in reverse, so that a kernel that ignores yRow is found out.
  const nY = c.shares.flat().length;
  const yStride = c.nOut + c.gap;
  const targets: { readonly matrix: number; readonly xRow: number; readonly yRow: number }[] = [];
  const shares = c.shares.map((xRows, matrix) => ({
    weightWords: matrix * matrixWords,
    rows: xRows.flatMap((xRow) => {
      const yRow = nY - 1 - targets.length;
      targets.push({ matrix, xRow, yRow });
      return [xRow, yRow];
    }),
  }));
  const list = workList(shares, matmul.tile);

  const weights = upload(context, repackRows(c.type, bytes, nMatrices * c.nOut, c.nIn));
  const inputRange = upload(context, x);
  const entries = upload(context, list.entries);
  const rows = upload(context, list.rows);
  const y = guardedOutput(context, c.gap + nY * yStride);
  const recorder = new Recorder(context);
  const bits = await context.step(() => {
    encodeMatmul(
      recorder,
      matmul,
      { x: inputRange, weights, entries, rows, y },
      { xStride, xOffset: c.gap, yStride, yOffset: c.gap },
      list.entryCount,
    );
    recorder.submit();
    return readGuarded(context, y);
  });
  recorder.dispose();
  release(context, [weights, inputRange, entries, rows, y]);

  const values = new Float32Array(bits.buffer);
  const wRow = dequantised(c.type, bytes, nMatrices * c.nOut, c.nIn);
  let worstRatio = 0;
  const mine = new Uint8Array(bits.length);
  for (const { matrix, xRow, yRow } of targets) {
    for (let o = 0; o < c.nOut; o++) {
      const at = c.gap + yRow * yStride + o;
      mine[at] = 1;
      const { value, bound } = product(wRow(matrix * c.nOut + o), input(xRow));
      const ratio = Math.abs((values[at] ?? NaN) - value) / bound;
      worstRatio = Math.max(worstRatio, Number.isNaN(ratio) ? Infinity : ratio);
    }
  }
  const strayWrites = bits.reduce((n, word, i) => n + (mine[i] === 0 && word !== UNWRITTEN_BITS ? 1 : 0), 0);
  return { worstRatio, strayWrites, bits };
}

function release(context: GpuContext, ranges: readonly BufferRange[]): void {
  for (const { buffer } of ranges) context.release(buffer);
}

/** Row r of x, (nIn). */
function inputs(kind: InputKind, nIn: number, seed: number): (row: number) => Float32Array {
  return (row) => {
    const random = seededRandom(seed * 1000 + row);
    switch (kind) {
      case 'normal':
        return Float32Array.from({ length: nIn }, () => random.normal());
      case 'zero':
        return new Float32Array(nIn);
      case 'one-hot':
        return Float32Array.from({ length: nIn }, (_, k) => (k === (row * 37 + seed) % nIn ? 1 : 0));
      case 'large':
        return Float32Array.from({ length: nIn }, () => 1e4 * random.normal());
      case 'subnormal':
        return Float32Array.from({ length: nIn }, () => 1e-40 * random.normal());
      case 'minus-zero':
        return new Float32Array(nIn).fill(-0);
    }
  };
}
