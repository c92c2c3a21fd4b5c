import { sectionsOf, type ModelGraph, type Node, type Section, type StateSlot, type Value } from '../arch/graph';
import { LAYER_INPUT, rowLength, weightDims, type WeightSlot } from '../arch/graph';
import type { OpName } from '../arch/operations';
import type { KernelSpec, KernelVariant } from '../ops/kernel-spec';
import { CHUNK } from '../ops/weight-layout';
import type { AttentionMethod } from './attention/attention-plan';
import type { DecodeChoice } from './choice';
import { fitCover, type Cover, type Covered, type Mismatch } from './cover';
import type { Form, Placed } from './forms';
import type { QuantType } from '../types/types';
import type { WeightLayouts } from './weights';

/** What a plan is made of, beside the graph's nodes. */
export interface PlanFacts {
  readonly graph: ModelGraph;
  readonly weights: WeightLayouts;
  readonly choice: DecodeChoice;
  /** Lanes of the largest workgroup that the adapter takes. */
  readonly workgroupLanes: number;
}

/** What a kernel binds. */
export type Operand =
  | { readonly kind: 'values'; readonly placed: Placed }
  /** Kernel-to-kernel memory of one cover, by name. */
  | { readonly kind: 'scratch'; readonly name: string; readonly words: number }
  | { readonly kind: 'state'; readonly slot: StateSlot }
  | { readonly kind: 'vector'; readonly slot: WeightSlot }
  | { readonly kind: 'tile'; readonly slot: WeightSlot; readonly tile: number }
  | { readonly kind: 'stack'; readonly slots: readonly WeightSlot[]; readonly stack: number }
  /** `token`: its id. `step`: position, splits, keys a split, 0, then (cos, sin) of its rotary angles. `captures`: where captures go. */
  | { readonly kind: 'token' | 'step' | 'captures' };

/** One dispatch of a token. */
export interface FusedDispatch {
  readonly kernel: KernelSpec;
  readonly variant: KernelVariant;
  readonly bindings: Readonly<Record<string, Operand>>;
  /** Its params but for those of captures. */
  readonly params: Readonly<Record<string, number>>;
  /** Params of captures that another dispatch of the cover writes, or that it has none for. */
  readonly leaves?: readonly string[];
  /** `y` undefined: one for each split of attention. */
  readonly grid: readonly [x: number, y: number | undefined, z: number];
}

/** What a cover's dispatches depend on beside its own nodes. */
export interface PlanState {
  /** How attention runs. */
  readonly method: AttentionMethod;
  /** Sums of squares that the writer of a stream leaves. */
  readonly squares: (stream: Value) => number;
}

/** Rotary angles of a step, which all covers share. */
export interface Angles {
  readonly theta: number;
  readonly headDim: number;
}

/** Values that lie somewhere once a cover is done. */
export interface Written extends Placed {
  /** Of a stream: how many sums of squares. */
  readonly squares?: number;
}

/** What one fusion says of the nodes that it covers. */
export interface FusionSpec<C extends Cover> {
  readonly name: string;
  readonly covers: C;
  /** Keys of values that others may read. */
  readonly leaves: readonly string[];
  /** The stages that its kernels write when they are captured: params by key. Several keys: side by side, in this order. */
  readonly captures: Readonly<Record<string, string | readonly string[]>>;
  /** A key whose captured value is made of another captured one. */
  readonly madeOf?: Readonly<Record<string, string>>;
  /** Keys whose captured value is made for the capture alone: the kernels go on with what they are made of. */
  readonly remade?: readonly string[];
  readonly kernels: readonly KernelSpec[];
  /** What its kernels ask of the nodes beside operations and wiring: undefined, or what is not so. */
  when(covered: Covered<C>, facts: PlanFacts): Omit<Mismatch, 'depth'> | undefined;
  /** The forms in which it reads values from outside. */
  reads(covered: Covered<C>, facts: PlanFacts): readonly Placed[];
  writes(covered: Covered<C>, facts: PlanFacts): readonly Written[];
  /** States that its kernels append to. */
  appends?(covered: Covered<C>): readonly StateSlot[];
  angles?(covered: Covered<C>): readonly Angles[];
  dispatches(covered: Covered<C>, facts: PlanFacts, state: PlanState): readonly FusedDispatch[];
}

/** Nodes that a fusion computes. */
export interface FusedNodes {
  readonly fusion: string;
  readonly section: Section;
  readonly nodes: readonly Node[];
  readonly reads: readonly Placed[];
  readonly writes: readonly Written[];
  readonly appends: readonly StateSlot[];
  readonly angles: readonly Angles[];
  /** Ids of captured values by param. */
  readonly captures: ReadonlyMap<string, readonly string[]>;
  /** By id of a value: the captured value that it is made of. */
  readonly madeOf: ReadonlyMap<string, string>;
  /** Ids of captured values that the kernels do not go on with. */
  readonly remade: readonly string[];
  dispatches(state: PlanState): readonly FusedDispatch[];
}

/** A kernel, or a few, that compute several operations of the graph at once. */
export interface Fusion {
  readonly name: string;
  /** In forward order. */
  readonly covers: readonly OpName[];
  readonly kernels: readonly KernelSpec[];
  /** The nodes of a section from `at` on, or why it does not compute them. */
  fit(section: Section, at: number, facts: PlanFacts): FusedNodes | Mismatch;
}

/** A fusion, the keys of its cover hidden. */
export function defineFusion<const C extends Cover>(spec: FusionSpec<C>): Fusion {
  const { name, covers, kernels } = spec;
  return {
    name,
    covers: Object.values(covers).map(({ op }) => op),
    kernels,
    fit(section, at, facts) {
      const covered = fitCover(covers, spec.leaves, section, at);
      if ('reason' in covered) return covered;
      const nodes = section.nodes.slice(at, at + Object.keys(covers).length);
      const unlike = nodes.map((node) => unfitWeight(node, facts)).find((one) => one !== undefined);
      const no = unlike ?? spec.when(covered, facts);
      if (no !== undefined) return { ...no, depth: nodes.length };
      const idOf = (key: string): string => covered.value(key).id;
      return {
        fusion: name,
        section,
        nodes,
        reads: spec.reads(covered, facts),
        writes: spec.writes(covered, facts),
        appends: spec.appends?.(covered) ?? [],
        angles: spec.angles?.(covered) ?? [],
        captures: new Map(Object.entries(spec.captures).map(([param, keys]) => [param, [keys].flat().map(idOf)])),
        madeOf: new Map(Object.entries(spec.madeOf ?? {}).map(([key, source]) => [idOf(key), idOf(source)])),
        remade: (spec.remade ?? []).map(idOf),
        dispatches: (state) => spec.dispatches(covered, facts, state),
      };
    },
  };
}

/** A matrix that no fused kernel takes: rows of another length than it walks, or not the whole of its tensor. */
function unfitWeight(node: Node, { graph, weights }: PlanFacts): Omit<Mismatch, 'depth'> | undefined {
  const [slot] = node.weights;
  if (slot === undefined || slot.dims.length === 1) return undefined;
  const [nIn = 0] = weightDims(slot, graph.sizes);
  if (nIn % CHUNK !== 0) return { node, reason: `${slot.dims[0]} ${nIn} is no multiple of ${CHUNK}` };
  const unfit = weights.unfit(slot);
  return unfit === undefined ? undefined : { node, reason: `${slot.name} ${unfit}` };
}

/** The weight of a node. @throws RangeError where it has none */
export function weightOf(node: Node): WeightSlot {
  const [slot] = node.weights;
  if (slot === undefined) throw new RangeError(`${node.out.id} has no weight`);
  return slot;
}

/** The type of a node's matrix. */
export function typeOf(node: Node, { weights }: PlanFacts): QuantType {
  const slot = weightOf(node);
  const [rows] = weights.matrix(slot);
  if (rows === undefined) throw new RangeError(`${slot.name} lies nowhere`);
  return rows.tensor.type;
}

/** Elements of a row of a node's matrix, and rows (of one expert). */
export function matrixSizes(node: Node, { graph }: PlanFacts): { readonly nIn: number; readonly nOut: number } {
  const [nIn = 1, nOut = 1] = weightDims(weightOf(node), graph.sizes);
  return { nIn, nOut };
}

/** A matrix that has to lie in one buffer. */
export function isSplit(node: Node, { weights }: PlanFacts): Omit<Mismatch, 'depth'> | undefined {
  const slot = weightOf(node);
  return weights.matrix(slot).length === 1
    ? undefined
    : { node, reason: `${slot.name} does not fit one binding of this adapter` };
}

/** The RMSNorm of whole rows that reads a stream next: its gain is multiplied where the stream is written. Undefined unless there is one alone. */
export function normBehind(value: Value, section: Section, graph: ModelGraph): Node<'rmsnorm'> | undefined {
  const all = sectionsOf(graph);
  const isOutput = value.id === section.output.id;
  const readers = isOutput ? (all[all.indexOf(section) + 1]?.nodes ?? []) : section.nodes;
  const id = isOutput ? LAYER_INPUT : value.id;
  const norms = readers.filter((node): node is Node<'rmsnorm'> => node.op === 'rmsnorm' && node.inputs[0]?.id === id);
  const [norm] = norms;
  return norms.length === 1 && norm !== undefined && isOfRows(norm, graph) ? norm : undefined;
}

/** Whether a norm is one of whole rows. */
export function isOfRows(norm: Node<'rmsnorm'>, graph: ModelGraph): boolean {
  const [x] = norm.inputs;
  return x !== undefined && weightDims(weightOf(norm), graph.sizes)[0] === rowLength(x, graph.sizes, 1);
}

/** A stream has to be written for the norm that reads it. */
export function noNormBehind(
  node: Node,
  { section }: Pick<Covered, 'section'>,
  { graph }: PlanFacts,
): Omit<Mismatch, 'depth'> | undefined {
  return normBehind(node.out, section, graph) === undefined
    ? { node, reason: 'not one RMSNorm of whole rows reads it' }
    : undefined;
}

export const CAPTURES: Operand = { kind: 'captures' };
export const STEP: Operand = { kind: 'step' };

/** Values in a form. */
export function placed(form: Form, ...values: readonly Value[]): Placed {
  return { form, values };
}

export function valuesOf(form: Form, ...values: readonly Value[]): Operand {
  return { kind: 'values', placed: placed(form, ...values) };
}

export function vectorOf(node: Node): Operand {
  return { kind: 'vector', slot: weightOf(node) };
}

export function tileOf(node: Node, tile = 0): Operand {
  return { kind: 'tile', slot: weightOf(node), tile };
}
