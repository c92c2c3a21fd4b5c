import {
  DYNAMIC_DIMS,
  LAYER_INPUT,
  type Dim,
  type Node,
  type Section,
  type StateSlot,
  type Value,
  type WeightSlot,
} from './graph';
import type { Mask, OpAttrs, OpName } from './operations';

/** How a value is called, where that does not follow from its id. */
export interface Naming {
  /** By default the id in PascalCase. */
  readonly title?: string;
  /** By default the id. */
  readonly ggml?: string;
  readonly aliases?: readonly string[];
  readonly headline?: boolean;
}

/** State as a node reads it: (nKeys, ...). */
export interface State {
  readonly slot: StateSlot;
  readonly axes: readonly Dim[];
}

/** What a weight is in a file, beside its name and shape. */
export interface WeightOptions extends Pick<WeightSlot, 'tiedTo' | 'scaled' | 'bias'> {
  /** As {@link WeightSlot.fusedWith}, by role. */
  readonly fusedWith?: { readonly role: string; readonly parts: readonly Dim[]; readonly part: number };
}

/**
 * Builds one section: each call appends a node and returns its value, with axes that follow from those of its inputs.
 * `D` are the names of the sizes that the architecture has. Its methods throw a RangeError where axes do not fit: a defect of the
 * architecture's file, which its snapshot test meets first.
 */
export class GraphBuilder<D extends Dim = Dim> {
  readonly #layer: number | undefined;
  readonly #nodes: Node[] = [];
  readonly #states: StateSlot[] = [];

  constructor(layer?: number) {
    this.#layer = layer;
  }

  /** A weight by its role and dimensions (fastest first): of this layer, or of the whole model outside of layers. */
  weight(role: string, dims: readonly D[], { fusedWith, ...options }: WeightOptions = {}): WeightSlot {
    const name = (of: string): string => `${this.#layer === undefined ? '' : `blk.${this.#layer}.`}${of}.weight`;
    const slot = { role, name: name(role), dims, ...options };
    if (fusedWith === undefined) return slot;
    const { role: whole, parts, part } = fusedWith;
    return { ...slot, fusedWith: { name: name(whole), parts, part } };
  }

  /** The same elements with the axes behind the first split or joined. */
  view(value: Value, ...axes: readonly D[]): Value {
    return { ...value, axes: [first(value), ...axes] };
  }

  /** Appends a value to a state, for later positions to read. */
  cached(name: string, value: Value): State {
    const at = this.#nodes.findIndex((node) => node.out.id === value.id);
    const node = this.#nodes[at];
    check(node !== undefined && node.writes === undefined, `${value.id} cannot be kept as ${name}`);
    check(!this.#states.some((slot) => slot.name === name), `state ${name} is written twice`);
    const slot: StateSlot = { name, value };
    this.#states.push(slot);
    if (node !== undefined) this.#nodes[at] = { ...node, writes: slot };
    return { slot, axes: ['nKeys', ...value.axes.slice(1)] };
  }

  /** A row of the table for each token of the step. */
  rows(id: string, table: WeightSlot, naming?: Naming): Value {
    return this.#add('rows', id, ['nTokens', ...table.dims.slice(0, 1)], [], {}, naming, { weights: [table] });
  }

  /** @param options `split`: axes of the result behind the first, where whole rows are normed and heads follow */
  rmsnorm(
    id: string,
    x: Value,
    weight: WeightSlot,
    options: OpAttrs['rmsnorm'] & Naming & { readonly split?: readonly D[] },
  ): Value {
    check(
      weight.dims.length === 1 && weight.dims[0] === x.axes.at(-1),
      `${id}: ${weight.role} is not as long as its rows`,
    );
    const axes = options.split === undefined ? x.axes : [first(x), ...options.split];
    return this.#add('rmsnorm', id, axes, [x], { eps: options.eps }, options, { weights: [weight] });
  }

  linear(id: string, x: Value, weight: WeightSlot, naming?: Naming): Value {
    const [nIn, nOut] = weight.dims;
    check(nIn === x.axes.at(-1) && nOut !== undefined, `${id}: ${weight.role} does not fit its input`);
    return this.#add('linear', id, [...x.axes.slice(0, -1), nOut ?? ''], [x], {}, naming, { weights: [weight] });
  }

  /** @param x (nTokens, nIn), or (nTokens, used, nIn) for a vector of its own in each slot */
  expertLinear(id: string, x: Value, chosen: Value, weight: WeightSlot, naming?: Naming): Value {
    const [nIn, nOut, nExpert] = weight.dims;
    check(chosen.kind === 'index' && nExpert !== undefined, `${id}: no experts to choose from`);
    check(nIn === x.axes.at(-1), `${id}: ${weight.role} does not fit its input`);
    return this.#add('expert-linear', id, [...chosen.axes, nOut ?? ''], [x, chosen], {}, naming, { weights: [weight] });
  }

  /** @param x (nTokens, heads, headDim) */
  rope(id: string, x: Value, options: OpAttrs['rope'] & Naming): Value {
    const { theta, dims, pairing, scaling } = options;
    check(x.axes.length === 3, `${id}: the rotated value has no heads`);
    return this.#add('rope', id, x.axes, [x], { theta, dims, pairing, ...(scaling && { scaling }) }, options);
  }

  /** @param q (nTokens, nHead, headDim) @param keys (nKeys, nHeadKv, headDim) */
  scores(id: string, q: Value, keys: State, options: OpAttrs['attention-scores'] & Naming): Value {
    check(
      q.axes.length === 3 && keys.axes.length === 3 && q.axes[2] === keys.axes[2],
      `${id}: queries and keys do not fit`,
    );
    const axes = [...q.axes.slice(0, 2), 'nKeys'];
    return this.#add('attention-scores', id, axes, [q], { divisor: options.divisor }, options, { reads: [keys.slot] });
  }

  softmax(id: string, x: Value, options: { readonly mask?: Mask } & Naming = {}): Value {
    return this.#add('softmax', id, x.axes, [x], { mask: options.mask ?? 'none' }, options);
  }

  /** @param weights (nTokens, nHead, nKeys), a softmax @param values (nKeys, nHeadKv, headDim) @param out axis of the heads side by side */
  values(id: string, weights: Value, values: State, out: D, naming?: Naming): Value {
    const maker = this.#nodes.find((node) => node.out.id === weights.id);
    check(maker?.op === 'softmax' && values.axes.length === 3, `${id}: weights and values do not fit`);
    const mask = maker?.op === 'softmax' ? maker.attrs.mask : 'none';
    return this.#add('attention-values', id, ['nTokens', out], [weights], { mask }, naming, { reads: [values.slot] });
  }

  /** @param used axis of the chosen ones: how many */
  topK(id: string, probs: Value, used: D, naming?: Naming): Value {
    return this.#add('top-k', id, [first(probs), used], [probs], {}, naming, { kind: 'index' });
  }

  normalise(id: string, probs: Value, chosen: Value, options: OpAttrs['normalise'] & Naming): Value {
    check(chosen.kind === 'index', `${id}: nothing is chosen`);
    return this.#add('normalise', id, chosen.axes, [probs, chosen], { divisor: options.divisor }, options);
  }

  swiglu(id: string, gate: Value, up: Value, naming?: Naming): Value {
    check(sameAxes(gate, up), `${id}: gate and up differ in shape`);
    return this.#add('swiglu', id, gate.axes, [gate, up], {}, naming);
  }

  weightedSum(id: string, weights: Value, y: Value, naming?: Naming): Value {
    check(weights.axes.every((dim, i) => dim === y.axes[i]) && y.axes.length === 3, `${id}: weights do not fit`);
    return this.#add('weighted-sum', id, [first(y), ...y.axes.slice(2)], [weights, y], {}, naming);
  }

  add(id: string, a: Value, b: Value, naming?: Naming): Value {
    check(sameAxes(a, b), `${id}: the two differ in shape`);
    return this.#add('add', id, a.axes, [a, b], {}, naming);
  }

  /** @param b of a's shape, or one factor for each row of a: its last axis is the only one that differs, and has length 1 */
  multiply(id: string, a: Value, b: Value, naming?: Naming): Value {
    check(
      sameAxes({ ...a, axes: a.axes.slice(0, -1) }, { ...b, axes: b.axes.slice(0, -1) }),
      `${id}: factors do not fit`,
    );
    return this.#add('multiply', id, a.axes, [a, b], {}, naming);
  }

  scale(id: string, x: Value, options: OpAttrs['scale'] & Naming): Value {
    return this.#add('scale', id, x.axes, [x], { factor: options.factor }, options);
  }

  sigmoid(id: string, x: Value, naming?: Naming): Value {
    return this.#add('sigmoid', id, x.axes, [x], {}, naming);
  }

  /** The section so far. @param output its last node's value @throws RangeError where it is not */
  section(input: Value | undefined, output: Value): Section {
    check(this.#nodes.at(-1)?.out.id === output.id, `${output.id} is handed over and is not computed last`);
    return { layer: this.#layer, input, nodes: [...this.#nodes], output };
  }

  #add<N extends OpName>(
    op: N,
    id: string,
    axes: readonly Dim[],
    inputs: readonly Value[],
    attrs: OpAttrs[N],
    naming: Naming = {},
    rest: {
      readonly weights?: readonly WeightSlot[];
      readonly reads?: readonly StateSlot[];
      readonly kind?: Value['kind'];
    } = {},
  ): Value {
    check(id !== LAYER_INPUT && !this.#nodes.some((node) => node.out.id === id), `${id} is computed twice`);
    const out: Value = { id, axes, kind: rest.kind ?? 'float' };
    const node = {
      op,
      out,
      inputs,
      reads: rest.reads ?? [],
      writes: undefined,
      weights: rest.weights ?? [],
      attrs,
      title: naming.title ?? pascalCase(id),
      ggml: naming.ggml ?? id,
      aliases: naming.aliases ?? [],
      headline: naming.headline ?? false,
    };
    // TypeScript does not see that a Node<N> is one of the union: N may be several names as far as it knows.
    this.#nodes.push(node as unknown as Node);
    return out;
  }
}

function first(value: Value): Dim {
  return value.axes[0] ?? DYNAMIC_DIMS[0];
}

function sameAxes(a: Value, b: Value): boolean {
  return a.axes.length === b.axes.length && a.axes.every((dim, i) => dim === b.axes[i]);
}

function pascalCase(id: string): string {
  return id.replace(/(?:^|_)([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

function check(holds: boolean, otherwise: string): void {
  if (!holds) throw new RangeError(otherwise);
}
