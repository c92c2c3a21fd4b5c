import { kernelName } from '../../ops/kernel-spec';
import { gamma, UNIT } from '../../base/f32-error';
import { plural } from '../../base/format';
import { f32Bits } from '../../base/float';
import { ropeBound } from '../../ops/rope/bound';
import { rmsnormBound } from '../../ops/rmsnorm/bound';
import { againstCapture, compose, FLUSH, TINY } from '../../ops/rounding';
import { rmsnorm } from '../../ops/rmsnorm/exact';
import { pairSteps, rope, ropeTable, type RopeTable } from '../../ops/rope/exact';
import type { RopePairing } from '../../arch/operations';
import {
  attentionKernel,
  isJoined,
  joinVariant,
  type AttentionMethod,
  type HeadKind,
} from '../../fusions/attention/attention-plan';
import { ATTENTION_JOIN } from '../../fusions/attention/kernel';
import { STEP_HEAD } from '../../gpu/decode/decode-buffers';
import { NOWHERE } from '../../gpu/decode/decode-captures';
import { ropeTable as gpuRopeTable } from '../../gpu/engine/rope-table';
import { erringSoftmax, spoiltWhole, weightedValue } from '../attention-reference';
import { expectNothing, putFloat, putFloats, putWord, type Expected } from '../expected';
import { inputValues, wide } from '../inputs';
import type { SelftestCase } from '../selftest-case';
import { EPS } from './norm-products';
import { foldBlocks, foldedValue, foldedWords } from './places';

const THETA = 1e6;
/** The fewest keys that attention takes at a time; the kernel's running sums are rescaled at most once for each. */
const TILE_KEYS = 64;
/** Rescalings of a lane group beside those: by its first keys, by the own key, and where lane groups are added. */
const LANE_GROUP_RESCALES = 3;
/** A score's roundings: as in src/ops/attention-scores/bound.ts. */
const SCORE_ROUNDINGS = 7;

interface Shape {
  readonly position: number;
  readonly nHead: number;
  readonly nHeadKv: number;
  readonly headDim: number;
  /** Keys of a split, whole tiles; absent: one split for all. */
  readonly splitKeys?: number;
  /** Single heads when not given. */
  readonly kernel?: AttentionMethod['kernel'];
  /** Heads of lane groups that take a key together; 1 when not given. */
  readonly together?: 1 | 2 | 4 | 8;
  /** Lanes of a lane group; 4 when not given: what any adapter with subgroups has. */
  readonly lanes?: 4 | 8 | 16 | 32;
  /** Normed, and pairs half a head apart, when not given. */
  readonly kind?: HeadKind;
  /** Whether some of q, k and v is not finite. Takes six key-value heads and three positions. */
  readonly isSpoilt?: true;
}

/** What a token's attention reads. */
interface Inputs {
  readonly qkv: Float32Array;
  /** (positions, nHeadKv, headDim) */
  readonly keys: Float32Array;
  readonly values: Float32Array;
}

/**
 * Something that is not finite, each in another key-value head: in the second of its queries (or the only one), in the own key, in kept keys,
 * in a kept value, in the own value. The last head stays as it is.
 */
function spoil({ nHead, nHeadKv, headDim }: Shape, { qkv, keys, values }: Inputs): void {
  const [qDim, kvDim] = [nHead * headDim, nHeadKv * headDim];
  const perKv = nHead / nHeadKv;
  qkv[Math.min(1, perKv - 1) * headDim + 3] = NaN;
  qkv[qDim + headDim + 1] = NaN;
  // Of whatever sign a query is there, one of the two scores is +Infinity.
  keys[2 * headDim + 2] = Infinity;
  keys[kvDim + 2 * headDim + 2] = -Infinity;
  values[2 * kvDim + 3 * headDim + 5] = NaN;
  qkv[qDim + kvDim + 4 * headDim + 6] = Infinity;
}

/** Values and how far each may be off. */
interface ErringRow {
  readonly values: Float64Array<ArrayBuffer>;
  readonly bounds: Float64Array<ArrayBuffer>;
}

/** RMSNorm of a head of f32 values. */
function normed(x: Float32Array, gain: Float32Array): ErringRow {
  const values = new Float64Array(x.length);
  const bounds = new Float64Array(x.length);
  rmsnorm(wide(x), 0, gain, EPS, values, 0);
  rmsnormBound(wide(x), 0, gain, EPS, bounds, 0);
  return { values, bounds };
}

/** Turned, with what the norm's errors become: |cos| da + |sin| db, and the operation's own bound at the far end of both. */
function turned(x: ErringRow, table: RopeTable, position: number, pairing: RopePairing): ErringRow {
  const n = x.values.length;
  const { step, apart } = pairSteps({ pairing, dims: n });
  const values = new Float64Array(n);
  const bounds = new Float64Array(n);
  rope(x.values, 0, table, values, 0, n, pairing);
  const far = x.values.map((v, i) => Math.abs(v) + (x.bounds[i] ?? NaN));
  ropeBound(far, 0, table, position, bounds, 0, n, pairing);
  for (let i = 0; i < n / 2; i++) {
    const [c, s] = [Math.abs(table.cos[i] ?? NaN), Math.abs(table.sin[i] ?? NaN)];
    const [first, second] = [i * step, i * step + apart];
    const [a, b] = [x.bounds[first] ?? NaN, x.bounds[second] ?? NaN];
    bounds[first] = (bounds[first] ?? NaN) + c * a + s * b;
    bounds[second] = (bounds[second] ?? NaN) + s * a + c * b;
  }
  return { values, bounds };
}

/** q . k * scale of factors that err. */
function score(q: ErringRow, key: ErringRow, scale: number) {
  const n = q.values.length;
  let [value, magnitude, carried] = [0, 0, 0];
  for (let d = 0; d < n; d++) {
    const [a, b] = [q.values[d]!, key.values[d]!];
    const [da, db] = [q.bounds[d]!, key.bounds[d]!];
    value += a * b;
    carried += Math.abs(a) * db + Math.abs(b) * da + da * db;
    magnitude += (Math.abs(a) + da + TINY) * (Math.abs(b) + db + TINY);
  }
  const own = gamma(n + SCORE_ROUNDINGS) * magnitude + 2 * (n + SCORE_ROUNDINGS) * FLUSH;
  return { value: value * scale, bound: againstCapture((carried + own) * scale * (1 + UNIT), value * scale) };
}

const part = (x: Float32Array, at: number, n: number): Float32Array => x.subarray(at, at + n);

function attentionCase(shape: Shape, isExtra = false): SelftestCase {
  const { position, nHead, nHeadKv, headDim, splitKeys, kernel: wanted = 'single' } = shape;
  const splits = splitKeys === undefined ? 1 : Math.ceil((position + 1) / splitKeys);
  const { lanes = 4, together = 1 } = shape;
  const method: AttentionMethod =
    wanted === 'lane-groups' ? { kernel: wanted, splits, lanes, heads: together } : { kernel: wanted, splits };
  const joins = isJoined(method);
  const { kind = { isNormed: true, pairing: 'neox' } } = shape;
  const { kernel: spec, variant, width } = attentionKernel(shape, method, kind);
  const rescalesOf = (nKeys: number): number =>
    Math.ceil(nKeys / TILE_KEYS) - 1 + (wanted === 'lane-groups' ? LANE_GROUP_RESCALES : 0);
  const laneGroups = wanted === 'lane-groups' ? `, lane groups of ${lanes}, ${plural(together, 'head')} together` : '';
  const spoilt = shape.isSpoilt === true ? ', NaN and infinities' : '';
  const heads = `${kind.isNormed ? '' : ', no norms'}${kind.pairing === 'neox' ? '' : ', pairs of neighbours'}`;
  return {
    ...{ kernel: kernelName(spec), types: ['f32'] },
    ...{ spec, variant, isExtra },
    needs: { workgroupLanes: 256, ...(wanted === 'lane-groups' ? { subgroupLanes: lanes } : {}) },
    shape: `position ${position}, ${plural(nHead, 'head')} on ${nHeadKv} of ${headDim}, ${plural(splits, 'split')}${laneGroups}${heads}${spoilt}`,
    make: () => {
      const [qDim, kvDim, nKeys] = [nHead * headDim, nHeadKv * headDim, position + 1];
      const scale = 1 / Math.sqrt(headDim);
      const qkv = inputValues('normal', qDim + 2 * kvDim, 101);
      const gainQ = inputValues('normal', headDim, 102);
      const gainK = inputValues('normal', headDim, 103);
      // One position more than there are, and NaN where this one's own row goes.
      const cached = (seed: number): Float32Array<ArrayBuffer> => {
        const all = new Float32Array((nKeys + 1) * kvDim).fill(NaN);
        all.set(inputValues('normal', position * kvDim, seed));
        return all;
      };
      const [oldKeys, oldValues] = [cached(104), cached(105)];
      if (shape.isSpoilt === true) spoil(shape, { qkv, keys: oldKeys, values: oldValues });
      const table = ropeTable(position, { theta: THETA, dims: headDim });
      const keys = expectNothing(oldKeys.length);
      const values = expectNothing(oldValues.length);
      const normsAt = kind.isNormed ? 0 : -(qDim + kvDim);
      const [qRope, kRope] = [normsAt + qDim + kvDim, normsAt + 2 * qDim + kvDim];
      const captureAt = { qNorm: 0, kNorm: qDim, qRope, kRope, scores: kRope + kvDim };
      const normOf = (x: Float32Array, gain: Float32Array): ErringRow =>
        kind.isNormed ? normed(x, gain) : { values: wide(x), bounds: new Float64Array(x.length) };
      const softmaxAt = captureAt.scores + nHead * nKeys;
      const attentionAt = softmaxAt + nHead * nKeys;
      const captures = expectNothing(joins ? softmaxAt : attentionAt + qDim);
      const y = expectNothing(joins ? splits * (qDim + 2 * nHead) : foldedWords(qDim));

      const ownKeys = Array.from({ length: nHeadKv }, (_, h) => {
        const norm = normOf(part(qkv, qDim + h * headDim, headDim), gainK);
        const key = turned(norm, table, position, kind.pairing);
        if (kind.isNormed) putFloats(captures, captureAt.kNorm + h * headDim, norm.values, norm.bounds);
        putFloats(captures, captureAt.kRope + h * headDim, key.values, key.bounds);
        putFloats(keys, position * kvDim + h * headDim, key.values, key.bounds);
        for (let d = 0; d < headDim; d++) {
          const v = qkv[qDim + kvDim + h * headDim + d] ?? NaN;
          const at = position * kvDim + h * headDim + d;
          if (Number.isNaN(v)) putFloat(values, at, v, 0);
          else putWord(values, at, f32Bits(v));
        }
        return key;
      });
      const none = new Float64Array(headDim);
      for (let head = 0; head < nHead; head++) {
        const kvHead = Math.floor(head / (nHead / nHeadKv));
        const norm = normOf(part(qkv, head * headDim, headDim), gainQ);
        const q = turned(norm, table, position, kind.pairing);
        if (kind.isNormed) putFloats(captures, captureAt.qNorm + head * headDim, norm.values, norm.bounds);
        putFloats(captures, captureAt.qRope + head * headDim, q.values, q.bounds);
        const keyOf = (j: number): ErringRow =>
          j === position
            ? (ownKeys[kvHead] ?? q)
            : { values: wide(part(oldKeys, j * kvDim + kvHead * headDim, headDim)), bounds: none };
        const valueOf = (j: number, d: number): number =>
          (j === position ? qkv[qDim + kvDim + kvHead * headDim + d] : oldValues[j * kvDim + kvHead * headDim + d]) ??
          NaN;
        const scores = new Float64Array(nKeys);
        const errors = new Float64Array(nKeys);
        for (let j = 0; j < nKeys; j++) {
          const { value, bound } = score(q, keyOf(j), scale);
          scores[j] = value;
          errors[j] = bound;
        }
        putFloats(captures, captureAt.scores + head * nKeys, scores, errors);
        if (!joins) {
          const { weights, relative } = erringSoftmax(spoiltWhole(scores), errors, rescalesOf(nKeys));
          weights.forEach((p, j) => {
            putFloat(
              captures,
              softmaxAt + head * nKeys + j,
              p,
              againstCapture((relative[j] ?? NaN) * p + 4 * FLUSH, p),
            );
          });
          for (let d = 0; d < headDim; d++) {
            const { value, bound } = weightedValue(weights, relative, (j) => valueOf(j, d));
            putFloat(y, foldedValue(head * headDim + d, foldBlocks(qDim)), value, bound);
            putFloat(captures, attentionAt + head * headDim + d, value, bound);
          }
          continue;
        }
        for (let s = 0; s < splits; s++) {
          putSplit(
            y,
            {
              split: s,
              head,
              splits,
              splitKeys: splitKeys ?? nKeys,
              nHead,
              headDim,
              rescales: rescalesOf(splitKeys ?? nKeys),
            },
            scores,
            errors,
            valueOf,
          );
        }
      }
      const step = new Float32Array(STEP_HEAD + headDim);
      new Uint32Array(step.buffer).set([
        position,
        splits,
        splitKeys ?? 2 * TILE_KEYS * Math.ceil(nKeys / TILE_KEYS),
        0,
      ]);
      step.set(gpuRopeTable(position, 1, { theta: THETA, dims: headDim }), STEP_HEAD);
      const params = {
        ...{ nHead, nHeadKv, eps: EPS, scale },
        ...(kind.isNormed
          ? { captureQNorm: captureAt.qNorm, captureKNorm: captureAt.kNorm }
          : { captureQNorm: NOWHERE, captureKNorm: NOWHERE }),
        ...{ captureQRope: captureAt.qRope, captureKRope: captureAt.kRope },
        captureScores: captureAt.scores,
        isWhole: joins ? 0 : 1,
        ...{ captureSoftmax: joins ? NOWHERE : softmaxAt, captureAttention: joins ? NOWHERE : attentionAt },
      };
      return {
        inputs: { qkv, step, gainQ, gainK },
        outputs: {
          keys: new Uint32Array(oldKeys.buffer),
          values: new Uint32Array(oldValues.buffer),
          y: y.bounds.length,
          captures: captures.bounds.length,
        },
        calls: [{ params, grid: [width, splits] }],
        expected: { keys, values, y, captures },
      };
    },
  };
}

interface SplitPlace {
  readonly split: number;
  readonly head: number;
  readonly splits: number;
  readonly splitKeys: number;
  readonly nHead: number;
  readonly headDim: number;
  /** See `erringSoftmax`. */
  readonly rescales: number;
}

/**
 * What a split leaves: sum_j e^(s_j - m) v_j, m and sum_j e^(s_j - m). The kernel's m is its own largest score, whose error shifts every
 * exponent alike.
 */
function putSplit(
  y: Expected,
  { split, head, splits, splitKeys, nHead, headDim, rescales }: SplitPlace,
  allScores: Float64Array,
  allErrors: Float64Array,
  valueOf: (key: number, channel: number) => number,
): void {
  const first = split * splitKeys;
  const scores = spoiltWhole(allScores.slice(first, first + splitKeys));
  const errors = allErrors.slice(first, first + splitKeys);
  const topError = errors.reduce((most, e) => Math.max(most, e), 0);
  const { exponentials, total, top } = erringSoftmax(scores, errors, rescales);
  const e = scores.map((z) => Math.exp(z - top));
  const relative = exponentials.map((own) => compose(own, Math.exp(topError) - 1));
  for (let d = 0; d < headDim; d++) {
    const { value, bound } = weightedValue(e, relative, (j) => valueOf(first + j, d));
    putFloat(y, (split * nHead + head) * headDim + d, value, bound);
  }
  const at = splits * nHead * headDim + 2 * (split * nHead + head);
  putFloat(y, at, top, againstCapture(topError, top));
  const sumError = e.reduce((sum, v, j) => sum + v * compose(relative[j] ?? NaN, gamma(e.length + 1)), 0);
  putFloat(y, at + 1, total, againstCapture(sumError + e.length * FLUSH, total));
}

interface JoinShape {
  readonly nHead: number;
  readonly headDim: number;
  readonly splits: number;
  readonly nKeys: number;
  /** A head whose last split found no largest score. */
  readonly spoiltHead?: number;
}

/** Weights e^(m_s - M) of exact f32 parts, then two sums and a division; and the softmax of captured scores. */
function joinCase({ nHead, headDim, splits, nKeys, spoiltHead }: JoinShape): SelftestCase {
  const spec = ATTENTION_JOIN;
  return {
    ...{ kernel: kernelName(spec), types: ['f32'], spec },
    variant: joinVariant({ kernel: 'single', splits }),
    shape: `${splits} splits, ${nHead} heads of ${headDim}, ${nKeys} scores a head${spoiltHead === undefined ? '' : ', one NaN'}`,
    make: () => {
      const qDim = nHead * headDim;
      const parts = inputValues('normal', splits * (qDim + 2 * nHead), 111);
      const pairAt = (s: number, head: number): number => splits * qDim + 2 * (s * nHead + head);
      for (let s = 0; s < splits; s++) {
        for (let h = 0; h < nHead; h++) parts[pairAt(s, h) + 1] = 1 + Math.abs(parts[pairAt(s, h) + 1] ?? NaN);
      }
      if (spoiltHead !== undefined) parts[pairAt(splits - 1, spoiltHead)] = NaN;
      const y = expectNothing(foldedWords(qDim));
      const softmaxAt = nHead * nKeys;
      const attentionAt = 2 * nHead * nKeys;
      const captures = expectNothing(attentionAt + qDim);
      const before = new Float32Array(attentionAt + qDim);
      const captured = inputValues('normal', nHead * nKeys, 112).map((v) => v - 3);
      before.set(captured);
      for (let head = 0; head < nHead; head++) {
        const tops = Float64Array.from({ length: splits }, (_, s) => parts[pairAt(s, head)] ?? NaN);
        const sums = Float64Array.from({ length: splits }, (_, s) => parts[pairAt(s, head) + 1] ?? NaN);
        const top = tops.reduce((most, m) => Math.max(most, m), -Infinity);
        const { exponentials } = erringSoftmax(tops, new Float64Array(splits));
        const e = tops.map((m) => Math.exp(m - top));
        const sum = weightedValue(e, exponentials, (s) => sums[s] ?? NaN);
        // value / sum, both err; the division 2.5 ULP.
        const sumError = sum.bound / sum.value;
        const common = compose(2.5 * UNIT) + 1;
        for (let d = 0; d < headDim; d++) {
          const one = weightedValue(e, exponentials, (s) => parts[s * qDim + head * headDim + d] ?? NaN);
          const value = one.value / sum.value;
          const most = ((Math.abs(one.value) + one.bound) / (sum.value * (1 - sumError))) * common;
          const bound = againstCapture(most - Math.abs(value) + FLUSH, value);
          putFloat(y, foldedValue(head * headDim + d, foldBlocks(qDim)), value, bound);
          putFloat(captures, attentionAt + head * headDim + d, value, bound);
        }
        for (let j = 0; j < nKeys; j++) {
          const score = captured[head * nKeys + j] ?? NaN;
          const p = Math.exp(score - top) / sum.value;
          const z = Math.abs(score - top);
          const relative = (compose((3 + 3 * z) * UNIT, sumError / (1 - sumError)) + 1) * common - 1;
          putFloat(captures, softmaxAt + head * nKeys + j, p, againstCapture(relative * p + 4 * FLUSH, p));
        }
      }
      const step = Uint32Array.of(nKeys - 1, splits, TILE_KEYS, 0);
      const params = { nHead, headDim, captureScores: 0, captureSoftmax: softmaxAt, captureAttention: attentionAt };
      return {
        inputs: { parts, step },
        outputs: { y: y.bounds.length, captures: new Uint32Array(before.buffer) },
        calls: [{ params, grid: [Math.ceil(headDim / TILE_KEYS), nHead] }],
        expected: { y, captures },
      };
    },
  };
}

/** Two heads a key-value head, two tiles of keys. */
const SPOILT = { position: 70, nHead: 12, nHeadKv: 6, headDim: 16, isSpoilt: true } as const;
const SPOILT_METHODS: readonly Pick<Shape, 'kernel' | 'splitKeys' | 'together'>[] = [
  {},
  { splitKeys: 64 },
  { kernel: 'shared', splitKeys: 64 },
  { kernel: 'lane-groups', together: 1 },
  { kernel: 'lane-groups', together: 2 },
  { kernel: 'lane-groups', together: 2, splitKeys: 64 },
];

/** Heads of Llama and Mixtral; of Qwen2-MoE. */
const OTHER_HEADS: readonly HeadKind[] = [
  { isNormed: false, pairing: 'norm' },
  { isNormed: false, pairing: 'neox' },
];

/** Attention of a decoded token, whole and in splits. */
export const DECODE_ATTENTION_CASES: readonly SelftestCase[] = [
  attentionCase({ position: 0, nHead: 1, nHeadKv: 1, headDim: 32 }),
  attentionCase({ position: 5, nHead: 4, nHeadKv: 2, headDim: 32 }),
  attentionCase({ position: 64, nHead: 3, nHeadKv: 1, headDim: 32 }),
  attentionCase({ position: 127, nHead: 2, nHeadKv: 2, headDim: 32 }),
  attentionCase({ position: 150, nHead: 4, nHeadKv: 2, headDim: 32, splitKeys: 64 }),
  attentionCase({ position: 128, nHead: 2, nHeadKv: 1, headDim: 32, splitKeys: 128 }),
  attentionCase({ position: 70, nHead: 2, nHeadKv: 1, headDim: 128 }, true),
  attentionCase({ position: 3, nHead: 2, nHeadKv: 1, headDim: 256 }, true),
  attentionCase({ position: 66, nHead: 2, nHeadKv: 1, headDim: 64 }, true),
  attentionCase({ position: 0, nHead: 4, nHeadKv: 2, headDim: 32, kernel: 'shared' }),
  attentionCase({ position: 64, nHead: 4, nHeadKv: 2, headDim: 32, kernel: 'shared' }),
  attentionCase({ position: 150, nHead: 4, nHeadKv: 2, headDim: 32, splitKeys: 64, kernel: 'shared' }),
  attentionCase({ position: 390, nHead: 4, nHeadKv: 2, headDim: 32, splitKeys: 192, kernel: 'shared' }),
  // Two pieces of six heads, of which the second has five.
  attentionCase({ position: 70, nHead: 11, nHeadKv: 1, headDim: 24, splitKeys: 64, kernel: 'shared' }),
  attentionCase({ position: 300, nHead: 8, nHeadKv: 1, headDim: 128, splitKeys: 64, kernel: 'shared' }, true),
  attentionCase({ position: 130, nHead: 2, nHeadKv: 2, headDim: 256, splitKeys: 128, kernel: 'shared' }, true),
  attentionCase({ position: 0, nHead: 4, nHeadKv: 2, headDim: 32, kernel: 'lane-groups' }),
  // As many keys before the own one as the lane groups take at a time, and one more.
  attentionCase({ position: 64, nHead: 4, nHeadKv: 2, headDim: 32, kernel: 'lane-groups', together: 2 }),
  attentionCase({ position: 257, nHead: 3, nHeadKv: 1, headDim: 128, kernel: 'lane-groups' }),
  attentionCase({ position: 150, nHead: 4, nHeadKv: 2, headDim: 32, splitKeys: 64, kernel: 'lane-groups' }),
  attentionCase({ position: 300, nHead: 4, nHeadKv: 2, headDim: 32, splitKeys: 64, kernel: 'lane-groups' }),
  // A column a lane: the next keys are under way while these are met, here 512 at a time.
  attentionCase({ position: 600, nHead: 2, nHeadKv: 1, headDim: 16, kernel: 'lane-groups' }),
  // The last split has the own key alone.
  attentionCase({ position: 128, nHead: 2, nHeadKv: 1, headDim: 32, splitKeys: 64, kernel: 'lane-groups' }),
  // Pieces of four heads, of which the last has three; columns that fill no lane group.
  attentionCase({
    position: 70,
    nHead: 11,
    nHeadKv: 1,
    headDim: 24,
    splitKeys: 64,
    kernel: 'lane-groups',
    together: 4,
  }),
  attentionCase({ position: 300, nHead: 8, nHeadKv: 1, headDim: 128, kernel: 'lane-groups', lanes: 32 }, true),
  attentionCase(
    { position: 640, nHead: 8, nHeadKv: 1, headDim: 128, kernel: 'lane-groups', lanes: 32, together: 8 },
    true,
  ),
  attentionCase(
    {
      ...{ position: 300, nHead: 8, nHeadKv: 2, headDim: 128, splitKeys: 128 },
      ...{ kernel: 'lane-groups', lanes: 32, together: 4 },
    },
    true,
  ),
  attentionCase({ position: 70, nHead: 2, nHeadKv: 2, headDim: 256, kernel: 'lane-groups', lanes: 32 }, true),
  attentionCase(
    { position: 70, nHead: 4, nHeadKv: 2, headDim: 64, kernel: 'lane-groups', lanes: 32, together: 2 },
    true,
  ),
  ...SPOILT_METHODS.map((method) => attentionCase({ ...SPOILT, ...method })),
  ...OTHER_HEADS.flatMap((kind) => [
    // Half a head is no whole columns.
    attentionCase({ position: 70, nHead: 4, nHeadKv: 2, headDim: 36, kind }),
    attentionCase({ position: 70, nHead: 4, nHeadKv: 2, headDim: 24, kernel: 'shared', kind }),
    attentionCase({ position: 70, nHead: 4, nHeadKv: 2, headDim: 24, kernel: 'lane-groups', together: 2, kind }),
  ]),
  joinCase({ nHead: 4, headDim: 32, splits: 3, nKeys: 151 }),
  joinCase({ nHead: 3, headDim: 32, splits: 3, nKeys: 151, spoiltHead: 1 }),
  joinCase({ nHead: 2, headDim: 128, splits: 32, nKeys: 65 }),
  joinCase({ nHead: 2, headDim: 32, splits: 63, nKeys: 65 }),
  joinCase({ nHead: 3, headDim: 36, splits: 2, nKeys: 9 }),
];
