import {
  attentionKernel,
  attentionPlan,
  joinVariant,
  type AttentionPlan,
} from '../../../src/gpu/decode/attention-plan';
import { DECODE_KERNELS, type AttentionChoice } from '../../../src/gpu/decode/decode-kernels';
import type { GpuContext } from '../../../src/gpu/device';
import { ropeTable } from '../../../src/gpu/engine/rope-table';
import { getPipeline } from '../../../src/gpu/pipelines';
import { readBack } from '../../../src/gpu/readback';
import { Recorder } from '../../../src/gpu/recorder';
import { guardedOutput, readGuarded, upload } from '../../support/gpu';
import { values } from '../kernels/support';

export interface AttentionCase {
  readonly nHead: number;
  readonly nHeadKv: number;
  readonly headDim: number;
  readonly position: number;
  /** Size of q and k ahead of their norms. */
  readonly size?: number;
}

export const EPS = 1e-6;
const THETA = 1e4;
/** Where a stage is not captured. */
const NOWHERE = 0xffffffff;

export interface AttentionInputs {
  readonly qkv: Float32Array<ArrayBuffer>;
  readonly gainQ: Float32Array<ArrayBuffer>;
  readonly gainK: Float32Array<ArrayBuffer>;
  /** (position + 3, nHeadKv, headDim); what lies from `position` on is not read. */
  readonly keys: Float32Array<ArrayBuffer>;
  readonly values: Float32Array<ArrayBuffer>;
  /** (cos, sin) of headDim / 2 angles. */
  readonly turns: Float32Array<ArrayBuffer>;
}

/** Seeded; rows that must not be read hold NaN. */
export function attentionInputs({ nHead, nHeadKv, headDim, position, size = 1 }: AttentionCase): AttentionInputs {
  const kvDim = nHeadKv * headDim;
  const rows = (seed: number): Float32Array<ArrayBuffer> => {
    const all = values('normal', (position + 3) * kvDim, seed);
    // The first row is read, and not used, when there is no key yet.
    return all.fill(NaN, (position === 0 ? 0 : position) * kvDim);
  };
  return {
    qkv: values('normal', nHead * headDim + 2 * kvDim, 1).map((v) => size * v),
    gainQ: values('normal', headDim, 2),
    gainK: values('normal', headDim, 3),
    keys: rows(4),
    values: rows(5),
    turns: ropeTable(position, 1, THETA, headDim),
  };
}

/** What the kernels leave. */
export interface AttentionOutputs {
  readonly plan: AttentionPlan;
  /** (nHead, headDim), unfolded. */
  readonly attention: Float32Array<ArrayBuffer>;
  readonly keys: Float32Array<ArrayBuffer>;
  readonly values: Float32Array<ArrayBuffer>;
  /** By name; (nHead or nHeadKv, headDim), and (nHead, keys). */
  readonly taps: Readonly<
    Record<'qNorm' | 'kNorm' | 'qRope' | 'kRope' | 'scores' | 'softmax' | 'attention', Float32Array>
  >;
}

/** Runs attention of one token as the decoder does, with everything captured or nothing. */
export async function runAttention(
  context: GpuContext,
  shape: AttentionCase,
  inputs: AttentionInputs,
  choice: AttentionChoice,
  isCaptured: boolean,
): Promise<AttentionOutputs> {
  const { nHead, nHeadKv, headDim, position } = shape;
  const [qDim, kvDim, nKeys] = [nHead * headDim, nHeadKv * headDim, position + 1];
  const plan = attentionPlan(shape, choice, nKeys);
  const { kernel, variant, width } = attentionKernel(shape, plan.way);
  const joins = plan.way !== 'whole';

  const lengths = [qDim, kvDim, qDim, kvDim, nHead * nKeys, nHead * nKeys, qDim];
  const places = lengths.map((_, i) => (isCaptured ? lengths.slice(0, i).reduce((a, b) => a + b, 0) : NOWHERE));
  const [tapQNorm = 0, tapKNorm = 0, tapQRope = 0, tapKRope = 0, tapScores = 0, tapSoftmax = 0, tapAttention = 0] =
    places;
  const folded = 128 * Math.ceil(qDim / 128);
  const parts = guardedOutput(context, plan.count * nHead * (headDim + 2));
  const attention = guardedOutput(context, folded);
  const taps = guardedOutput(context, isCaptured ? lengths.reduce((a, b) => a + b, 0) : 1);
  const step = new Uint32Array(4 + headDim);
  step.set([position, plan.count, plan.keys]);
  step.set(new Uint32Array(inputs.turns.buffer), 4);
  const bound = {
    qkv: upload(context, inputs.qkv),
    step: upload(context, step),
    gainQ: upload(context, inputs.gainQ),
    gainK: upload(context, inputs.gainK),
    keys: upload(context, inputs.keys),
    values: upload(context, inputs.values),
    y: joins ? parts : attention,
    taps,
  };
  const common = {
    ...{ nHead, nHeadKv, eps: EPS, scale: 1 / Math.sqrt(headDim) },
    ...{ tapQNorm, tapKNorm, tapQRope, tapKRope, tapScores },
  };
  const recorder = new Recorder(context);
  const words = await context.step(async () => {
    if (kernel === 'attentionShared') {
      const pipeline = await getPipeline(context, DECODE_KERNELS.attentionShared, variant);
      recorder.dispatch(pipeline, bound, common, [width, plan.count]);
    } else {
      const pipeline = await getPipeline(context, DECODE_KERNELS.attention, variant);
      const own = joins ? { tapSoftmax: NOWHERE, tapAttention: NOWHERE } : { tapSoftmax, tapAttention };
      recorder.dispatch(pipeline, bound, { ...common, ...own }, [width, plan.count]);
    }
    if (joins) {
      const join = await getPipeline(context, DECODE_KERNELS.attentionJoin, joinVariant(plan.way, choice));
      const bindings = { parts, step: bound.step, y: attention, taps };
      const params = { nHead, headDim, tapScores, tapSoftmax, tapAttention };
      recorder.dispatch(join, bindings, params, [Math.ceil(headDim / 64), nHead]);
    }
    recorder.submit();
    return {
      attention: new Float32Array((await readGuarded(context, attention)).buffer),
      parts: await readGuarded(context, parts),
      taps: new Float32Array((await readGuarded(context, taps)).buffer),
      keys: new Float32Array(await readBack(context, [{ ...bound.keys, offset: 0, size: inputs.keys.byteLength }])),
      values: new Float32Array(
        await readBack(context, [{ ...bound.values, offset: 0, size: inputs.values.byteLength }]),
      ),
    };
  });
  for (const { buffer } of [...Object.values(bound), parts, attention]) context.release(buffer);
  recorder.dispose();
  const cut = (i: number): Float32Array =>
    isCaptured ? words.taps.subarray(places[i] ?? 0, (places[i] ?? 0) + (lengths[i] ?? 0)) : new Float32Array(0);
  return {
    plan,
    attention: unfolded(words.attention, qDim),
    keys: words.keys,
    values: words.values,
    taps: {
      ...{ qNorm: cut(0), kNorm: cut(1), qRope: cut(2), kRope: cut(3) },
      ...{ scores: cut(4), softmax: cut(5), attention: cut(6) },
    },
  };
}

/** A vector as `shaders/decode/lib/places.wgsl` folds it, in order. */
function unfolded(words: Float32Array<ArrayBuffer>, length: number): Float32Array<ArrayBuffer> {
  const blocks = Math.ceil(length / 4 / 32);
  return Float32Array.from({ length }, (_, i) => {
    const column = Math.floor(i / 4);
    return words[4 * ((column % 32) * blocks + Math.floor(column / 32)) + (i % 4)] ?? NaN;
  });
}
