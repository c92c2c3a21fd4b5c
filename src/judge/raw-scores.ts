import type { Captures } from '../divergence/compare-step';
import type { Capture, IsolatingEngine, ReferenceStep } from '../model/engine';
import { stageNode } from '../model/graph-of';
import { scaleOf } from '../model/graph-parameters';
import type { HParams } from '../model/hparams';
import { ATTN_SCORES, ATTN_SOFTMAX } from '../model/stage-roles';

/** How much nearer a value must be to the product without the scale than to the one with it: they are sqrt(headDim) apart, its errors are not. */
const FAR = 16;

/**
 * The captures with scores that have their scale. ggml's `kq` is the product alone, which its softmax scales inside: a dump of that graph holds it so. The
 * values tell, at the last position; where the softmax was captured too, it must be the one of the scaled product, since scores that an engine forgot to
 * scale are wrong.
 */
export async function withScale(
  layer: number | undefined,
  fed: ReferenceStep,
  hparams: HParams,
  exact: Pick<IsolatingEngine, 'isolate'>,
): Promise<Captures> {
  const { captures } = fed;
  const node = stageNode(hparams, ATTN_SCORES, layer);
  const scores = captures.get(ATTN_SCORES);
  if (node?.op !== 'attention-scores' || !(scores?.data instanceof Float32Array)) return captures;
  const isThere = [...node.inputs, ...node.reads.map(({ value }) => value)].every(({ id }) => captures.has(id));
  const last = scores.positions.at(-1);
  if (!isThere || last === undefined) return captures;
  const made = await exact.isolate(layer, fed, { capture: new Map([[ATTN_SCORES, [last]]]) });
  const truth = made.captures.get(ATTN_SCORES);
  if (truth === undefined) return captures;
  const scale = scaleOf(node.attrs.divisor);
  const from = scores.data.length - truth.data.length;
  const own = scores.data.subarray(from);
  if (!(distance(own, truth, 1 / scale) * FAR < distance(own, truth, 1))) return captures;
  if (!isOfScaled(captures.get(ATTN_SOFTMAX), own, from, scale)) return captures;
  return new Map([...captures, [ATTN_SCORES, { ...scores, data: scores.data.map((value) => value * scale) }]]);
}

/** Root of the squared differences to the truth times a factor. */
function distance(own: Float32Array, { data }: Capture, factor: number): number {
  return Math.sqrt(own.reduce((sum, value, i) => sum + (value - factor * (data[i] ?? NaN)) ** 2, 0));
}

/** Whether quotients of neighbouring probabilities are those of scaled products rather than of the products. Sinks and maxima cancel in them. */
function isOfScaled(softmax: Capture | undefined, products: Float32Array, from: number, scale: number): boolean {
  const p = softmax?.data.subarray(from);
  if (p?.length !== products.length) return true;
  let [scaled, plain] = [0, 0];
  for (let i = 1; i < p.length; i++) {
    const [a, b] = [p[i - 1] ?? 0, p[i] ?? 0];
    if (a <= 0 || b <= 0) continue;
    const step = (products[i] ?? NaN) - (products[i - 1] ?? NaN);
    scaled += Math.abs(Math.log(b / a) - scale * step);
    plain += Math.abs(Math.log(b / a) - step);
  }
  return scaled <= plain;
}
