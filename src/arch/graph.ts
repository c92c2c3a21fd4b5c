/**
 * The forward pass as data: the one place that knows order, inputs, weights, state and names. Engines, bounds, isolation, captures, blame,
 * weight checks and tables walk it.
 */
import type { OpAttrs, OpName } from './operations';

/** Sizes and constants of a model by name: `nEmbd`, `headDim`, `rmsEps` ... Names follow llama.cpp. */
export type Sizes = Readonly<Record<string, number>>;

/** An axis by name: a size of the model, or one of {@link DYNAMIC_DIMS}. */
export type Dim = string;

/** Axes whose length depends on the step: tokens that it computes, and the positions so far, its own among them. */
export const DYNAMIC_DIMS = ['nTokens', 'nKeys'] as const;

/** C order, tokens first. */
export type Axes = readonly Dim[];

/** Lengths of the dynamic axes in one step. */
export interface StepSize {
  readonly nTokens: number;
  readonly nKeys: number;
}

/** A named tensor of the forward pass: a stage. */
export interface Value {
  /** Unique within its section. */
  readonly id: string;
  /** As the node that reads or makes it sees them: a view may split an axis, the order of elements is the same. */
  readonly axes: Axes;
  /** `index`: u32 expert ids, which choose weights. */
  readonly kind: 'float' | 'index';
  /** A recurrence's state behind each token: so large that it is made from token to token, and held of all of them only where it is captured. */
  readonly recurrent?: boolean;
}

/** A weight as the architecture names it; `bind.ts` finds it in a file. */
export interface WeightSlot {
  /** Its name without block and suffix: `attn_q`. */
  readonly role: string;
  /** GGUF name: `blk.3.attn_q.weight`. */
  readonly name: string;
  /** ggml order, fastest first: {nIn, nOut, nExpert}. */
  readonly dims: readonly Dim[];
  /** GGUF name of the tensor that stands in where the file lacks this one (tied embeddings). */
  readonly tiedTo?: string | undefined;
  /** A tensor that may hold this slot's rows beside those of others. */
  readonly fusedWith?: FusedRows | undefined;
  /** Whether a file may multiply the products by a `.scale` tensor: one float, or one for each expert. */
  readonly scaled?: boolean | undefined;
  /** Whether a file may, or has to, add a `.bias` tensor to the products: one float a row. */
  readonly bias?: 'optional' | 'required' | undefined;
  /** No matrix: floats that an operation reads as they lie. */
  readonly flat?: boolean | undefined;
}

/** Rows of several slots one after the other in one tensor (of each expert, where there are experts): `attn_qkv`, `ffn_gate_up_exps`. */
export interface FusedRows {
  /** GGUF name. */
  readonly name: string;
  /** Lengths of all its parts, in order. */
  readonly parts: readonly Dim[];
  /** Which of them this slot is. */
  readonly part: number;
}

/** Values of earlier positions that are kept from step to step. One node writes it, and nodes read it by name. */
export interface StateSlot {
  /** `keys`, `values`, `conv`, `delta`. Unique within its section. */
  readonly name: string;
  /** What is appended for each token: the value of the node that writes it. */
  readonly value: Value;
  /**
   * How many positions before its own a reader looks at, and an engine keeps: the window of a convolution, the one state of a recurrence, which
   * its own writer reads. Undefined: all of them. A run goes on from what is kept only where the step before ended.
   */
  readonly reach?: number | undefined;
}

interface NodeOf<N extends OpName> {
  readonly op: N;
  readonly out: Value;
  /** Values that it reads, in the order of the operation's arguments; state is not among them. */
  readonly inputs: readonly Value[];
  /** State that it reads, of all positions so far, those of this step among them, or of the few before each. */
  readonly reads: readonly StateSlot[];
  /** The state that its value is appended to. */
  readonly writes: StateSlot | undefined;
  readonly weights: readonly WeightSlot[];
  readonly attrs: OpAttrs[N];
  /** How people see it: MoeRouter, MoeFfnOut. */
  readonly title: string;
  /** The name of the same tensor in llama.cpp's graph; empty where it has none. */
  readonly ggml: string;
  /** Other accepted names. */
  readonly aliases: readonly string[];
  /** Shown above the others. */
  readonly headline: boolean;
}

/** One operation: `Node` is the union over all of them, so that `op` tells the type of `attrs`. */
export type Node<N extends OpName = OpName> = { readonly [K in N]: NodeOf<K> }[N];

/** What runs between two points where an engine hands over: the embedding, one layer, or the head. */
export interface Section {
  /** Undefined for embedding and head. */
  readonly layer: number | undefined;
  /** The residual stream that enters, (nTokens, nEmbd), with the id `layer_input`; undefined for the embedding. */
  readonly input: Value | undefined;
  /** Forward order. */
  readonly nodes: readonly Node[];
  /** What it hands over: the last node's value. */
  readonly output: Value;
}

/** A section that is a transformer block. */
export interface Layer extends Section {
  readonly layer: number;
  readonly input: Value;
}

/** The whole forward pass. Layers may differ from each other. */
export interface ModelGraph {
  /** `general.architecture`. */
  readonly arch: string;
  readonly sizes: Sizes;
  readonly embed: Section;
  readonly layers: readonly Layer[];
  readonly head: Section;
}

/** Id of the residual stream that enters a section: the embedding or the layer before. */
export const LAYER_INPUT = 'layer_input';

/** The sections in forward order. */
export function sectionsOf(graph: ModelGraph): readonly Section[] {
  return [graph.embed, ...graph.layers, graph.head];
}

/** The section of a layer, or of the whole-model stages behind the layers. @throws RangeError where there is no such layer. */
export function sectionOf(graph: ModelGraph, layer: number | undefined): Section {
  const section = layer === undefined ? graph.head : graph.layers[layer];
  if (section === undefined) throw new RangeError(`no layer ${layer}`);
  return section;
}

/** The node that makes a value of a section. @throws RangeError where none does. */
export function nodeOf(section: Section, id: string): Node {
  const node = section.nodes.find((n) => n.out.id === id);
  if (node === undefined)
    throw new RangeError(`no stage ${id} in ${section.layer === undefined ? 'the model' : `layer ${section.layer}`}`);
  return node;
}

/** Everything of a node's own step that its value depends on: its inputs, and what this step appends to the state that it reads. */
export function dependencies(node: Node): readonly Value[] {
  return [...node.inputs, ...node.reads.flatMap(({ value }) => (value.id === node.out.id ? [] : [value]))];
}

/** The words of GGUF names behind the role, where they are not `.weight`. */
const ENDINGS: Readonly<Record<string, string>> = { exp_probs_b: '.bias', ssm_a: '', ssm_dt: '.bias' };

/** Weights that all layers share. */
const SHARED: ReadonlySet<string> = new Set(['rope_freqs']);

/** The GGUF name of a weight by its role, of a layer or of the whole model. */
export function weightTensor(role: string, layer: number | undefined): string {
  const block = layer === undefined || SHARED.has(role) ? '' : `blk.${layer}.`;
  return `${block}${role}${ENDINGS[role] ?? '.weight'}`;
}

/** The index value that chooses which of a node's weights are read; undefined where none does. */
export function chosenBy(node: Node): Value | undefined {
  return node.op === 'expert-linear' ? node.inputs.find((value) => value.kind === 'index') : undefined;
}

/** Whether a value chooses weights: not one that other choices are made within. */
export function choosesWeights({ nodes }: Section, { id }: Value): boolean {
  return nodes.some((node) => chosenBy(node)?.id === id);
}

/** Whether a node multiplies by a matrix: one, one of each head, or those of the chosen experts. */
export function isProduct({ op }: Node): boolean {
  return op === 'linear' || op === 'head-linear' || op === 'expert-linear';
}

/** Length of one size of the model. @throws RangeError for a name that the model does not have. */
export function sizeOf(sizes: Sizes, dim: Dim): number {
  const length = sizes[dim];
  if (length === undefined) throw new RangeError(`no size ${dim}`);
  return length;
}

/** Lengths of axes in a step. */
export function shapeOf(axes: Axes, sizes: Sizes, step: StepSize): readonly number[] {
  return axes.map((dim) => (dim === 'nTokens' || dim === 'nKeys' ? step[dim] : sizeOf(sizes, dim)));
}

/** Values for each token. */
export function rowLength(value: Value, sizes: Sizes, nKeys: number): number {
  let length = 1;
  for (const dim of value.axes) length *= dim === 'nTokens' ? 1 : dim === 'nKeys' ? nKeys : sizeOf(sizes, dim);
  return length;
}

/** Lengths of a weight's dimensions, ggml order. */
export function weightDims(slot: Pick<WeightSlot, 'dims'>, sizes: Sizes): readonly number[] {
  return slot.dims.map((dim) => sizeOf(sizes, dim));
}
