import { beforeAll, describe, expect, it } from 'vitest';
import { seededRandom } from '../../src/base/random';
import { dequantizeRows } from '../../src/gguf/dequant/dequantisers';
import { rowBytes, type QuantType } from '../../src/gguf/ggml-types';
import { memorySource } from '../../src/gguf/memory-source';
import type { ModelFile } from '../../src/gguf/model-file';
import { openModel } from '../../src/gguf/open-model';
import type { HParams } from '../../src/model/hparams';
import { causeFromText, causeText } from '../../src/divergence/cause';
import { readHParams } from '../../src/model/read-hparams';
import { explainProduct } from '../../src/session/explain-product';
import type { ProductSample } from '../../src/session/product-sample';
import { makeModel } from '../support/gguf-models';

const N_IN = 512;
const N_OUT = 96;
const EXPERT = 2;
const ROWS = [0, 20, 51, 95];
const NAME = 'blk.0.ffn_gate_exps.weight';

let model: ModelFile;
let hparams: HParams;
let bytes: Uint8Array;
beforeAll(async () => {
  const shape = { nLayer: 1, nEmbd: N_IN, nFfExp: N_OUT, nExpert: 5 };
  model = await openModel([memorySource(makeModel({ type: 'Q6_K', shape }), 'made.gguf')]);
  hparams = readHParams(model);
  const tensor = model.tensors.get(NAME);
  if (tensor === undefined) throw new Error('no tensor');
  bytes = await model.readTensor(tensor, 0, tensor.bytes);
});

const random = seededRandom(11);
const x = Float32Array.from({ length: N_IN }, () => random.normal());

/** sum_j w_j x_j in f32, as an honest kernel makes it, of the row of `type` at byte `at`. */
function product(type: QuantType, at: number, of = x): number {
  const padded = new Uint8Array(rowBytes(type, N_IN));
  padded.set(bytes.subarray(at, at + padded.length));
  const w = new Float32Array(N_IN);
  dequantizeRows(type, padded, 0, w, 0, N_IN);
  let sum = 0;
  for (const [j, weight] of w.entries()) sum = Math.fround(sum + Math.fround(weight * (of[j] ?? 0)));
  return sum;
}

/** The clause of the sentence; the cause can be read back from it. */
async function explain(valueAt: (row: number) => number, change: Partial<ProductSample> = {}): Promise<string> {
  const rows = change.rows ?? ROWS;
  const sample: ProductSample = {
    layer: 0,
    stage: 'moe_expert_gate',
    role: 'ffn_gate_exps',
    expert: EXPERT,
    x,
    rows,
    actual: rows.map(valueAt),
    wrong: N_OUT,
    nOut: N_OUT,
    share: 0.3,
    ...change,
  };
  const cause = await explainProduct(sample, model, hparams);
  if (cause === undefined) return 'nothing';
  const text = causeText(cause);
  const read = causeFromText(text);
  expect(read).toMatchObject({ code: cause.code, proven: cause.proven });
  if (cause.code !== 'low-precision') expect(read).toEqual(cause);
  return text;
}

const OWN = rowBytes('Q6_K', N_IN);
const NONE = 'no other type, expert or row of the tensor gives these values';

describe('wrong values', () => {
  it.each(['Q4_K', 'Q5_K', 'Q3_K', 'IQ4_XS', 'Q8_0', 'F16'] as const)(
    'of the tensor read as %s are known, with its rows or the tensor’s own',
    async (type) => {
      const length = rowBytes(type, N_IN);
      const told = [`the values are those of the tensor read as ${type}`];
      const strides = [
        (row: number) => (EXPERT * N_OUT + row) * length,
        (row: number) => EXPERT * N_OUT * OWN + row * length,
        (row: number) => (EXPERT * N_OUT + row) * OWN,
      ];
      for (const offset of strides) {
        const values = ROWS.map((row) => product(type, offset(row)));
        if (offset(N_OUT - 1) + length > bytes.length) continue;
        // Scales read from other bits are not finite at times; such rows are told by that alone.
        if (values.filter(Number.isFinite).length < 2) continue;
        const finite = ROWS.filter((_, i) => Number.isFinite(values[i]));
        expect(told).toContain(await explain((row) => product(type, offset(row)), { rows: finite }));
      }
    },
  );

  it('of another expert, of a row next to it, of the sibling tensor are known', async () => {
    expect(await explain((row) => product('Q6_K', (4 * N_OUT + row) * OWN))).toBe(
      "the values are those of expert 4's weights",
    );
    const next = { rows: [0, 20, 51], wrong: 95 };
    expect(await explain((row) => product('Q6_K', (EXPERT * N_OUT + row + 1) * OWN), next)).toBe(
      "95 of 96 rows wrong, the values are those of the next row's weights",
    );
    expect(await explain((row) => product('Q6_K', (EXPERT * N_OUT + row - 1) * OWN))).toBe(
      "the values are those of the previous row's weights",
    );
  });

  it('of another token are known', async () => {
    const other = Float32Array.from({ length: N_IN }, () => random.normal());
    const values = (row: number): number => product('Q6_K', (EXPERT * N_OUT + row) * OWN, other);
    expect(await explain(values, { others: [{ position: 3, x: other }] })).toBe(
      "the values are those of token 3's input",
    );
    expect(await explain(values)).toBe(NONE);
  });

  it('of the token embedding in place of the head’s own matrix are known', async () => {
    const shape = { nLayer: 1, nEmbd: N_IN, nVocab: 300 };
    const whole = await openModel([memorySource(makeModel({ type: 'Q6_K', shape }), 'head.gguf')]);
    const table = whole.tensors.get('token_embd.weight');
    if (table === undefined) throw new Error('no tensor');
    const data = await whole.readTensor(table, 0, table.bytes);
    const w = new Float32Array(N_IN);
    const valueOf = (row: number): number => {
      dequantizeRows('Q6_K', data.subarray(row * rowBytes('Q6_K', N_IN)), 0, w, 0, N_IN);
      return w.reduce((sum, weight, j) => Math.fround(sum + Math.fround(weight * (x[j] ?? 0))), 0);
    };
    const cause = await explainProduct(
      {
        ...{ layer: undefined, stage: 'lm_head', role: 'output', expert: undefined, x, rows: ROWS },
        ...{ actual: ROWS.map(valueOf), wrong: 300, nOut: 300, share: 0.3 },
      },
      whole,
      readHParams(whole),
    );
    expect(cause).toEqual({ code: 'other-tensor', parameters: { tensor: 'token_embd.weight' }, proven: true });
  });

  it('that overflow by themselves have no cause in the weights', async () => {
    const large = x.map((value) => value * 1e38);
    expect(await explain(() => Infinity, { x: large })).toBe('nothing');
    expect(await explain(() => Infinity)).not.toBe('nothing');
  });

  it('that are nothing of the kind are not explained away', async () => {
    expect(await explain((row) => row + 0.5)).toBe(NONE);
    // All but one value fit: no.
    const almost = (row: number): number => product('Q4_K', (EXPERT * N_OUT + row) * rowBytes('Q4_K', N_IN));
    expect(await explain((row) => (row === 95 ? 3 : almost(row)))).toBe(NONE);
    expect(await explain(() => NaN, { wrong: 1, rows: [0] })).toBe(`1 of 96 rows wrong, ${NONE}`);
  });

  it('of zero were not computed, and small errors of every row are lost digits', async () => {
    expect(await explain(() => 0)).toBe('the values are 0, as if not computed');
    expect(await explain((row) => row, { share: 4e-4 })).toBe(
      "off by at most 4.0e-4 of the terms' sum, as with too few digits",
    );
    expect(await explain((row) => row, { share: 4e-4, wrong: 1, rows: [7] })).toBe(
      "1 of 96 rows wrong, off by at most 4.0e-4 of the terms' sum, as with too few digits",
    );
    expect(await explain((row) => row, { share: 0.1, wrong: 1, rows: [7] })).toBe(`1 of 96 rows wrong, ${NONE}`);
  });
});
