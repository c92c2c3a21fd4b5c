import {
  DYNAMIC_DIMS,
  LAYER_INPUT,
  type Dim,
  type Node,
  type Section,
  type StateSlot,
  type Value,
  weightTensor,
  type WeightSlot,
} from './graph';
import type { OpAttrs, OpName } from './operations';

/** How a value is called, where that does not follow from its id. */
export interface Naming {
  /** By default the id in PascalCase. */
  readonly title?: string;
  /** By default the id. */
  readonly ggml?: string;
  readonly aliases?: readonly string[];
  readonly headline?: boolean;
}

/** What a softmax leaves out, and what else it has to share with. */
export interface SoftmaxOptions extends Partial<OpAttrs['softmax']>, Naming {
  readonly sinks?: WeightSlot | undefined;
}

/** State as a node reads it: (nKeys, ...). */
export interface State {
  readonly slot: StateSlot;
  readonly axes: readonly Dim[];
}

/** What a weight is in a file, beside its name and shape. */
export interface WeightOptions extends Pick<WeightSlot, 'tiedTo' | 'scaled' | 'bias' | 'flat'> {
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
    const name = (of: string): string => weightTensor(of, this.#layer);
    const slot = { role, name: name(role), dims, ...options };
    if (fusedWith === undefined) return slot;
    const { role: whole, parts, part } = fusedWith;
    return { ...slot, fusedWith: { name: name(whole), parts, part } };
  }

  /** The same elements with the axes behind the first split or joined. */
  view(value: Value, ...axes: readonly D[]): Value {
    return { ...value, axes: [first(value), ...axes] };
  }

  /** A value whose axes behind the first are joined where it is made: files have it so. */
  joined(value: Value, axis: D): Value {
    const axes = [first(value), axis];
    const at = this.#nodes.findIndex((node) => node.out.id === value.id);
    const node = this.#nodes[at];
    check(node !== undefined, `${value.id} is not made here`);
    if (node !== undefined) this.#nodes[at] = { ...node, out: { ...node.out, axes } };
    return { ...value, axes };
  }

  /** Appends a value to a state, for later positions to read. @param reach as {@link StateSlot.reach} */
  cached(name: string, value: Value, reach?: number): State {
    const at = this.#nodes.findIndex((node) => node.out.id === value.id);
    const node = this.#nodes[at];
    check(node !== undefined && node.writes === undefined, `${value.id} cannot be kept as ${name}`);
    check(!this.#states.some((slot) => slot.name === name), `state ${name} is written twice`);
    const slot: StateSlot = { name, value, ...(reach === undefined ? {} : { reach }) };
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

  /** @param x (nTokens, heads, nIn) */
  headLinear(id: string, x: Value, weight: WeightSlot, naming?: Naming): Value {
    const [nIn, nOut, heads] = weight.dims;
    check(
      x.axes.length === 3 && heads === x.axes[1] && nIn === x.axes[2],
      `${id}: ${weight.role} does not fit its input`,
    );
    return this.#add('head-linear', id, [...x.axes.slice(0, 2), nOut ?? ''], [x], {}, naming, { weights: [weight] });
  }

  /** @param x (nTokens, heads, headDim) @param options `factors`: what each pair's frequency is divided by */
  rope(id: string, x: Value, options: OpAttrs['rope'] & Naming & { readonly factors?: WeightSlot | undefined }): Value {
    const { theta, dims, pairing, scaling, factors } = options;
    check(x.axes.length === 3, `${id}: the rotated value has no heads`);
    const weights = factors === undefined ? [] : [factors];
    const attrs = { theta, dims, pairing, ...(scaling && { scaling }) };
    return this.#add('rope', id, x.axes, [x], attrs, options, { weights });
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

  /** @param options `sinks`: one for each head of x, (nTokens, nHead, nKeys) */
  softmax(id: string, x: Value, options: SoftmaxOptions = {}): Value {
    const { mask = 'none', window, sinks } = options;
    check(window === undefined || mask === 'causal', `${id}: a window without a mask`);
    check(sinks === undefined || (x.axes.length === 3 && sinks.dims[0] === x.axes[1]), `${id}: sinks do not fit`);
    const weights = sinks === undefined ? [] : [sinks];
    return this.#add('softmax', id, x.axes, [x], { mask, ...(window !== undefined && { window }) }, options, {
      weights,
    });
  }

  /** @param weights (nTokens, nHead, nKeys), a softmax @param values (nKeys, nHeadKv, headDim) @param out axis of the heads side by side */
  values(id: string, weights: Value, values: State, out: D, naming?: Naming): Value {
    const maker = this.#nodes.find((node) => node.out.id === weights.id);
    check(maker?.op === 'softmax' && values.axes.length === 3, `${id}: weights and values do not fit`);
    const attrs = maker?.op === 'softmax' ? maker.attrs : { mask: 'none' as const };
    return this.#add('attention-values', id, ['nTokens', out], [weights], attrs, naming, { reads: [values.slot] });
  }

  /** @param used axis of the chosen ones: how many @param options `chosen`: groups to choose from, of so many */
  topK(
    id: string,
    probs: Value,
    used: D,
    options: Naming & { readonly within?: { readonly chosen: Value; readonly groups: number } | undefined } = {},
  ): Value {
    const { within } = options;
    check(within === undefined || within.chosen.kind === 'index', `${id}: no groups are chosen`);
    const inputs = within === undefined ? [probs] : [probs, within.chosen];
    const attrs = within === undefined ? {} : { groups: within.groups };
    return this.#add('top-k', id, [first(probs), used], inputs, attrs, options, { kind: 'index' });
  }

  /** @param groups axis of the result: how many */
  groupScores(id: string, x: Value, groups: D, naming?: Naming): Value {
    return this.#add('group-scores', id, [first(x), groups], [x], {}, naming);
  }

  normalise(id: string, probs: Value, chosen: Value, options: OpAttrs['normalise'] & Naming): Value {
    check(chosen.kind === 'index', `${id}: nothing is chosen`);
    return this.#add('normalise', id, chosen.axes, [probs, chosen], { divisor: options.divisor }, options);
  }

  swiglu(id: string, gate: Value, up: Value, naming?: Naming): Value {
    check(sameAxes(gate, up), `${id}: gate and up differ in shape`);
    return this.#add('swiglu', id, gate.axes, [gate, up], {}, naming);
  }

  swigluClamped(id: string, gate: Value, up: Value, options: OpAttrs['swiglu-clamped'] & Naming): Value {
    check(sameAxes(gate, up), `${id}: gate and up differ in shape`);
    const { alpha, limit } = options;
    return this.#add('swiglu-clamped', id, gate.axes, [gate, up], { alpha, limit }, options);
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

  silu(id: string, x: Value, naming?: Naming): Value {
    return this.#add('silu', id, x.axes, [x], {}, naming);
  }

  softplus(id: string, x: Value, bias: WeightSlot, naming?: Naming): Value {
    check(bias.dims[0] === x.axes.at(-1), `${id}: ${bias.role} is not as long as its rows`);
    return this.#add('softplus', id, x.axes, [x], {}, naming, { weights: [bias] });
  }

  gain(id: string, x: Value, weight: WeightSlot, naming?: Naming): Value {
    check(weight.dims[0] === x.axes.at(-1), `${id}: ${weight.role} is not as long as its rows`);
    return this.#add('gain', id, x.axes, [x], {}, naming, { weights: [weight] });
  }

  /** @param out axis of the columns that are taken @param first of them */
  slice(id: string, x: Value, out: D, first: number, naming?: Naming): Value {
    return this.#add('slice', id, [...x.axes.slice(0, -1), out], [x], { first }, naming);
  }

  /** @param out axis of both side by side */
  concat(id: string, a: Value, b: Value, out: D, naming?: Naming): Value {
    const rows = a.axes.slice(0, -1);
    check(sameAxes({ ...a, axes: rows }, { ...b, axes: b.axes.slice(0, -1) }), `${id}: the two have other rows`);
    return this.#add('concat', id, [...rows, out], [a, b], {}, naming);
  }

  /** @param x (nTokens, heads, n) @param heads axis of the result's heads */
  l2norm(id: string, x: Value, heads: D, options: OpAttrs['l2norm'] & Naming): Value {
    check(x.axes.length === 3, `${id}: the normed value has no heads`);
    const { eps, times } = options;
    return this.#add('l2norm', id, [first(x), heads, ...x.axes.slice(2)], [x], { eps, times }, options);
  }

  /** @param before the same value as state, of the window's positions before each */
  conv1d(id: string, x: Value, before: State, weight: WeightSlot, naming?: Naming): Value {
    check(weight.dims[1] === x.axes.at(-1) && before.slot.reach !== undefined, `${id}: ${weight.role} does not fit`);
    return this.#add('conv1d', id, x.axes, [x], {}, naming, { weights: [weight], reads: [before.slot] });
  }

  /** @param k (nTokens, nHeadK, n) @param v (nTokens, nHeadV, m) @param decay, beta (nTokens, nHeadV) @param state its name */
  deltaRule(
    id: string,
    { k, v, decay, beta }: Readonly<Record<'k' | 'v' | 'decay' | 'beta', Value>>,
    state: string,
    naming?: Naming,
  ): Value {
    check(k.axes.length === 3 && v.axes.length === 3, `${id}: keys and values have no heads`);
    check(decay.axes[1] === v.axes[1] && beta.axes[1] === v.axes[1], `${id}: decay and beta are of other heads`);
    const axes = [...v.axes, ...k.axes.slice(2)];
    const value = this.#add('delta-rule', id, axes, [k, v, decay, beta], {}, naming, { recurrent: true });
    const { slot } = this.cached(state, value, 1);
    const last = this.#nodes.pop();
    if (last !== undefined) this.#nodes.push({ ...last, reads: [slot] });
    return value;
  }

  /** @param state (nTokens, nHeadV, m, n) @param q (nTokens, nHeadK, n) */
  deltaRead(id: string, state: Value, q: Value, options: OpAttrs['delta-read'] & Naming): Value {
    check(state.axes.length === 4 && state.axes[3] === q.axes[2], `${id}: state and queries do not fit`);
    return this.#add('delta-read', id, state.axes.slice(0, 3), [state, q], { divisor: options.divisor }, options);
  }

  shift(id: string, x: Value, weight: WeightSlot, naming?: Naming): Value {
    check(weight.dims[0] === x.axes.at(-1), `${id}: ${weight.role} is not as long as its rows`);
    return this.#add('shift', id, x.axes, [x], {}, naming, { weights: [weight] });
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
      readonly recurrent?: boolean;
    } = {},
  ): Value {
    check(id !== LAYER_INPUT && !this.#nodes.some((node) => node.out.id === id), `${id} is computed twice`);
    const out: Value = { id, axes, kind: rest.kind ?? 'float', ...(rest.recurrent === true && { recurrent: true }) };
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
