import { gamma, UNIT } from '../../base/f32-error';
import { againstCapture, compose, DIVISION, FLUSH } from '../../ops/rounding';
import { swigluBound } from '../../ops/swiglu/bound';
import { MIN_WEIGHT_SUM } from '../../arch/operations';
import { topK } from '../../ops/top-k/exact';
import { f32Bits } from '../../base/float';
import { ggmlType, QUANT_TYPES, type QuantType } from '../../gguf/ggml-types';
import { EXPERTS_IN, expertsInJob } from '../../fusions/experts-in/fusion';
import { paddedTo32 } from '../../fusions/forms';
import { rowsPerGroup, laneGroupVariant } from '../../fusions/lane-groups';
import { repackRows } from '../../gpu/matmul/repack';
import { gpuRowWords } from '../../ops/weight-layout';
import { erringSoftmax } from '../attention-reference';
import { expectNothing, putFloat, putWord, type Expected } from '../expected';
import { inputValues, wide } from '../inputs';
import type { SelftestCase } from '../selftest-case';
import { weightRows } from '../weight-rows';
import { BY_32, BY_SUBGROUP, BY_WORKGROUP, PLAIN_DEEP, type DecodeMethod } from './decode-methods';
import { EPS, fedStream } from './norm-products';
import { rowMaker, type Erring } from './normed-product';
import { foldBlocks, foldedValue, foldedWords } from './places';

/** Largest slope of silu, rounded up: silu'(2.4) = 1.0998. */
const SILU_SLOPE = 1.1;

interface Shape {
  readonly nIn: number;
  readonly rows: number;
  readonly nExpert: number;
  readonly nUsed: number;
  /** Logits of which many are equal: ties go to the lower index. */
  readonly ties?: boolean;
  /** Experts of this dispatch, end excluded; the others are another's. */
  readonly here?: readonly [number, number];
}

function expertsInCase(
  gate: QuantType,
  up: QuantType,
  method: DecodeMethod,
  shape: Shape,
  isExtra: boolean,
): SelftestCase {
  const { nIn, rows, nExpert, nUsed, ties = false, here: [firstExpert, endExpert] = [0, nExpert] } = shape;
  const { laneGroup, choice } = method;
  const some = endExpert - firstExpert < nExpert ? `, of which ${firstExpert} to ${endExpert - 1} are here` : '';
  return {
    ...{ kernel: 'fusions/experts_in', types: gate === up ? [gate] : [gate, up] },
    ...{ spec: EXPERTS_IN, isExtra, needs: method.needs },
    variant: laneGroupVariant(choice, laneGroup, expertsInJob(choice, { gate, up, nIn, nExpert, nUsed })),
    shape: `${nIn} to ${rows}, ${nUsed} of ${nExpert} experts${some}${ties ? ', ties' : ''}, ${method.name}`,
    make: () => {
      const x = fedStream(nIn, 6, 'normal', 91);
      const logits = inputValues('normal', nExpert, 92).map((v) => (ties ? Math.round(v) : 3 * v));
      const chosen = new Uint32Array(nUsed);
      topK(wide(logits), 0, nExpert, nUsed, chosen, 0);
      const blocks = foldBlocks(rows);
      const y = expectNothing(nUsed * foldedWords(rows));
      const route = expectNothing(2 * nUsed);
      const captureAt = { probs: 0, indices: nExpert, router: nExpert + nUsed, gate: nExpert + 2 * nUsed };
      const [captureUp, captureSwiglu] = [captureAt.gate + nUsed * rows, captureAt.gate + 2 * nUsed * rows];
      const captures = expectNothing(captureAt.gate + 3 * nUsed * rows);
      if (firstExpert === 0) putRoute(wide(logits), chosen, route, captures, captureAt);
      // Only the experts of this dispatch are in its buffers.
      const held = endExpert - firstExpert;
      const gates = weightRows(gate, held * rows, nIn, 'normal', 93);
      const ups = weightRows(up, held * rows, nIn, 'normal', 94);
      const [gateRow, upRow] = [rowMaker(gates), rowMaker(ups)];
      chosen.forEach((expert, slot) => {
        if (expert < firstExpert || expert >= endExpert) return;
        for (let r = 0; r < rows; r++) {
          const row = (expert - firstExpert) * rows + r;
          const [g, u] = [gateRow(row, x.gained, x.scale), upRow(row, x.gained, x.scale)];
          const { value, bound } = erringSwiglu(g, u);
          putFloat(y, slot * 128 * blocks + foldedValue(r, blocks), value, bound);
          const to = slot * rows + r;
          putFloat(captures, captureAt.gate + to, g.value, g.bound);
          putFloat(captures, captureUp + to, u.value, u.bound);
          putFloat(captures, captureSwiglu + to, value, bound);
        }
      });
      const params = {
        ...{ batches: laneGroup.batches, rows, nExpert, eps: EPS, squareCount: 6 },
        ...{ stepGate: gpuRowWords(gate, nIn) / 4, stepUp: gpuRowWords(up, nIn) / 4 },
        ...{ firstExpert, endExpert, firstGate: firstExpert, firstUp: firstExpert },
        ...{ captureProbs: captureAt.probs, captureIndices: captureAt.indices, captureRouter: captureAt.router },
        ...{ captureGate: captureAt.gate, captureUp, captureSwiglu },
      };
      return {
        inputs: {
          stream: x.stream,
          router: routerKeys(logits),
          weightsGate: repackRows(gate, gates.bytes, held * rows, nIn),
          weightsUp: repackRows(up, ups.bytes, held * rows, nIn),
        },
        outputs: { y: y.bounds.length, route: 2 * nUsed, captures: captures.bounds.length },
        calls: [{ params, grid: [1 + Math.ceil(rows / rowsPerGroup(laneGroup)), nUsed] }],
        expected: { y, route, captures },
      };
    },
  };
}

/** What router.wgsl leaves: keys that order as the logits do, padded with 0, then the logits, padded alike. */
function routerKeys(logits: Float32Array): Uint32Array<ArrayBuffer> {
  const padded = paddedTo32(logits.length);
  const out = new Uint32Array(2 * padded);
  logits.forEach((logit, e) => {
    const bits = f32Bits(logit);
    out[e] = (bits & 0x7fffffff) === 0 ? 0x80000000 : bits >= 0x80000000 ? ~bits : bits | 0x80000000;
    out[padded + e] = bits;
  });
  return out;
}

/**
 * Chosen experts, exactly, and their weights p_e / max(sum of the chosen p, 2^-14): each p errs by its softmax's relative error, the sum by
 * the largest of them and nUsed + 1 additions, then one division.
 */
function putRoute(
  logits: Float64Array,
  chosen: Uint32Array,
  route: Expected,
  captures: Expected,
  at: { readonly probs: number; readonly indices: number; readonly router: number },
): void {
  const { weights, relative } = erringSoftmax(logits, new Float64Array(logits.length));
  weights.forEach((p, e) => {
    putFloat(captures, at.probs + e, p, againstCapture((relative[e] ?? NaN) * p + 4 * FLUSH, p));
  });
  const nUsed = chosen.length;
  const sum = chosen.reduce((total, e) => total + (weights[e] ?? NaN), 0);
  const worst = chosen.reduce((most, e) => Math.max(most, relative[e] ?? NaN), 0);
  const sumError = compose(worst, gamma(nUsed + 1));
  chosen.forEach((e, slot) => {
    putWord(route, slot, e);
    putWord(captures, at.indices + slot, e);
    const w = (weights[e] ?? NaN) / Math.max(sum, MIN_WEIGHT_SUM);
    const own = (compose(relative[e] ?? NaN, DIVISION) + 1) / (1 - sumError) - 1;
    const bound = againstCapture(own * w + 8 * FLUSH, w);
    putFloat(route, nUsed + slot, w, bound);
    putFloat(captures, at.router + slot, w, bound);
  });
}

/** silu(g) u of factors that err: what both errors make of it, and the operation's own bound at the far end of both. */
function erringSwiglu(gate: Erring, up: Erring): Erring {
  const silu = gate.value / (1 + Math.exp(-gate.value));
  const value = silu * up.value;
  const reach = Math.abs(up.value) + up.bound;
  const carried = SILU_SLOPE * gate.bound * reach + Math.abs(silu) * up.bound;
  const far = Math.abs(gate.value) + gate.bound;
  // A relative bound that grows with |g|: taken at the largest |g|, for the largest |value|.
  const [own = NaN] = swigluBound(Float64Array.of(-far), Float64Array.of(reach));
  const atFar = (far / (1 + Math.exp(far))) * reach;
  const relative = atFar > 0 ? own / atFar : 0;
  return { value, bound: againstCapture(carried + (relative + UNIT) * (Math.abs(value) + carried) + 8 * FLUSH, value) };
}

const REAL: Shape = { nIn: 256, rows: 160, nExpert: 10, nUsed: 3 };
const lengthOf = (a: QuantType, b: QuantType): number =>
  ggmlType(a).blockSize > 32 || ggmlType(b).blockSize > 32 ? 256 : 96;

/** All types, two different ones at a time. */
const PAIRS: readonly (readonly [QuantType, QuantType])[] = QUANT_TYPES.map((type, i) => [
  type,
  QUANT_TYPES[(i + 5) % QUANT_TYPES.length] ?? type,
]);

/** The first half of the experts: routing, gate, up, SwiGLU. */
export const EXPERTS_IN_CASES: readonly SelftestCase[] = [
  expertsInCase('Q4_K', 'Q4_K', BY_SUBGROUP, { ...REAL, ties: true }, false),
  expertsInCase('Q4_K', 'Q4_K', BY_SUBGROUP, REAL, false),
  expertsInCase('Q4_K', 'Q4_K', BY_SUBGROUP, { ...REAL, here: [0, 6] }, false),
  expertsInCase('Q4_K', 'Q4_K', BY_SUBGROUP, { ...REAL, here: [6, 10] }, false),
  expertsInCase('Q8_0', 'Q8_0', BY_SUBGROUP, { nIn: 96, rows: 32, nExpert: 3, nUsed: 3 }, false),
  expertsInCase('Q4_K', 'Q6_K', BY_SUBGROUP, { ...REAL, nIn: 512, nUsed: 2 }, false),
  expertsInCase('Q4_K', 'Q4_K', BY_SUBGROUP, { ...REAL, nExpert: 130, nUsed: 8, ties: true }, false),
  expertsInCase('Q4_K', 'Q4_K', BY_WORKGROUP, { ...REAL, ties: true }, false),
  expertsInCase('Q4_K', 'Q4_K', BY_WORKGROUP, { ...REAL, here: [6, 10] }, true),
  expertsInCase('Q4_K', 'Q4_K', BY_WORKGROUP, REAL, true),
  expertsInCase('Q4_K', 'Q4_K', PLAIN_DEEP, REAL, true),
  expertsInCase('Q4_K', 'Q4_K', BY_32, { nIn: 2048, rows: 96, nExpert: 128, nUsed: 8 }, true),
  expertsInCase('Q5_K', 'Q5_K', BY_32, { nIn: 256, rows: 32, nExpert: 60, nUsed: 5, ties: true }, true),
  ...QUANT_TYPES.filter((type) => type !== 'Q4_K').map((type) =>
    expertsInCase(type, type, BY_SUBGROUP, { ...REAL, nIn: lengthOf(type, type) }, true),
  ),
  ...PAIRS.map(([a, b]) => expertsInCase(a, b, BY_SUBGROUP, { ...REAL, nIn: lengthOf(a, b) }, true)),
];
