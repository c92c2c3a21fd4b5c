import { fail } from '../base/errors';
import type { Rescales } from '../base/f32-error';
import { without } from '../base/without';
import type { Node } from '../arch/graph';
import type { Captures } from '../divergence/compare-step';
import type { IsolatingEngine, ReferenceStep, StepOptions, Capture } from '../model/engine';
import { graphOf, stageNode } from '../model/graph-of';
import type { HParams } from '../model/hparams';
import type { StageId } from '../model/stages';

/** What is known of kernels that compute several stages at once. */
export interface Bridge {
  /** Stages whose captured value was made for the capture alone: the kernel went on with what that is made of. */
  readonly remade: ReadonlySet<string>;
  /** As {@link StepOptions.rescales}. */
  readonly rescales: Rescales;
  /** Computes what was bridged: beside the walk over weights that judges the other stages. */
  readonly exact: Pick<IsolatingEngine, 'isolate'>;
}

/** A value that the candidate did not capture, and that is computed of what it did. */
export interface HiddenValue {
  readonly stage: StageId;
  /** Where its readers are judged. */
  readonly positions: readonly number[];
}

/** Readers that a bound was derived for ({@link throughBridge}), or that need none. */
const BRIDGED_READERS: ReadonlySet<string> = new Set(['attention-values', 'normalise', 'top-k']);

/**
 * Softmaxes that were not captured, though what they are made of and what reads them was: a router or an attention that is one kernel behind its
 * logits or scores.
 */
export function hiddenValues(hparams: HParams, layer: number | undefined, own: Captures): readonly HiddenValue[] {
  const section = layer === undefined ? undefined : graphOf(hparams).graph.layers[layer];
  return (section?.nodes ?? []).flatMap(({ op, out, inputs }) => {
    if (op !== 'softmax' || own.has(out.id)) return [];
    const readers = section?.nodes.filter((node) => node.inputs.some(({ id }) => id === out.id)) ?? [];
    const [read] = readers.flatMap((node) => own.get(node.out.id) ?? []);
    const positions = read?.positions;
    const isKnown = inputs.every(({ id }) => own.get(id)?.positions.length === positions?.length);
    const canBe = readers.every((node) => BRIDGED_READERS.has(node.op));
    return positions !== undefined && isKnown && canBe ? [{ stage: out.id, positions }] : [];
  });
}

export interface BridgeInput {
  readonly layer: number | undefined;
  readonly hparams: HParams;
  readonly exact: Pick<IsolatingEngine, 'isolate'>;
  /** What the candidate captured. */
  readonly fed: ReferenceStep;
  readonly options: (stages: readonly StageId[]) => StepOptions;
}

/** Captures with exact values, and bounds, in place of those that the kernel did not go on with. */
export interface Bridged {
  readonly fed: ReferenceStep;
  readonly truth: Captures;
}

/**
 * Computes exactly what a kernel kept to itself, of what it was made of.
 * @param remade those of the step's stages that are, with their inputs captured
 */
export async function bridge(input: BridgeInput, remade: readonly StageId[]): Promise<Bridged> {
  const { layer, exact, fed, options } = input;
  if (remade.length === 0) return { fed, truth: new Map() };
  const { captures } = await exact.isolate(layer, fed, { ...options(remade), exact: true });
  return { fed: { ...fed, captures: new Map([...fed.captures, ...captures]) }, truth: captures };
}

/** Relative error of a bound that was computed for the exact inputs and not for the kernel's own: gamma_n of fewer than 8,000 terms. */
const OWN_INPUTS = 1 + 2 ** -10;

/**
 * The bounds of stages that read what was bridged: their own, and what the kernel may have made of the bridged value.
 * @throws TracerError `internal` where a fused kernel hides the input of an operation that nobody derived a bound for
 */
export async function throughBridge(
  input: BridgeInput,
  { fed, truth: bridged }: Bridged,
  truth: Captures,
): Promise<Captures> {
  const wider = new Map(truth);
  for (const [stage, captured] of truth) {
    const node = stageNode(input.hparams, stage, input.layer);
    const hidden = node?.inputs.flatMap(({ id }) => [...bridged.values()].filter(({ stage: of }) => of === id))[0];
    if (node === undefined || hidden?.bound === undefined || captured.bound === undefined) continue;
    const spread = await spreadOf(node, { ...input, fed }, hidden, hidden.bound, captured);
    wider.set(stage, { ...captured, bound: captured.bound.map((own, i) => (own + (spread[i] ?? NaN)) * OWN_INPUTS) });
  }
  return wider;
}

/** How far a stage may be from the exact one because of the error of a hidden input. */
async function spreadOf(
  node: Node,
  { layer, exact, fed, options }: BridgeInput,
  hidden: Capture,
  error: Float32Array<ArrayBuffer>,
  captured: Capture,
): Promise<ArrayLike<number>> {
  if (node.op === 'attention-values') {
    // sum_k error_k |v_k|: the operation itself, of magnitudes.
    const kept = node.reads.map(({ value }) => value.id);
    const captures = [...fed.captures].map(
      ([stage, of]) => [stage, kept.includes(stage) ? magnitudes(of) : of] as const,
    );
    const errors: Capture = {
      stage: hidden.stage,
      layer,
      positions: hidden.positions,
      shape: hidden.shape,
      data: error,
    };
    const past = new Map([...(fed.past ?? [])].map(([stage, data]) => [stage, data.map(Math.abs)]));
    const spread = { ...fed, captures: new Map([...captures, [hidden.stage, errors] as const]), past };
    const made = await exact.isolate(layer, spread, { ...options([captured.stage]), bounds: false });
    return made.captures.get(captured.stage)?.data ?? [];
  }
  if (node.op === 'normalise') return sharesSpread(node, fed, hidden, error);
  throw fail('internal', `Nobody derived how ${captured.stage} errs by ${hidden.stage}.`, 'Please report this defect.');
}

function magnitudes(captured: Capture): Capture {
  return captured.data instanceof Float32Array
    ? { ...without(captured, 'exact'), data: captured.data.map(Math.abs) }
    : captured;
}

/** Weights w = p / sum p of chosen experts, each p off by its own error. */
function sharesSpread(
  node: Node<'normalise'>,
  { captures }: ReferenceStep,
  { data: p, shape }: Capture,
  error: Float32Array<ArrayBuffer>,
): readonly number[] {
  const [, chosen] = node.inputs;
  const experts = [...captures.values()].find(({ stage }) => stage === chosen?.id);
  const [nExpert = 0, k = 0] = [shape[1], experts?.shape[1]];
  const out: number[] = [];
  for (let token = 0; token < (experts?.positions.length ?? 0); token++) {
    const of = [...(experts?.data.subarray(token * k, (token + 1) * k) ?? [])].map(
      (expert) => token * nExpert + expert,
    );
    const sum = (x: ArrayLike<number>): number => of.reduce((all, at) => all + (x[at] ?? NaN), 0);
    const [all, wrong] = [sum(p), sum(error)];
    for (const at of of) {
      const [own = NaN, off = NaN] = [p[at], error[at]];
      if (node.attrs.divisor !== 'sum') out.push(off);
      else out.push(all > wrong ? (own + off) / (all - wrong) - own / all : Infinity);
    }
  }
  return out;
}
