import type { ModelFile } from '../gguf/model-file';
import { GraphBuilder } from './builder';
import { LAYER_INPUT, type Layer, type ModelGraph, type Section, type Sizes, type Value } from './graph';
import { readKeys, withDefaults, type Contradict, type KeyTable } from './keys';
import type { OtherKey, OtherTensor } from './other-keys';

/** The sizes that every architecture has: what plans, reports and memory estimates ask for. */
export interface CommonSizes {
  /** Layers that run. */
  readonly nLayer: number;
  readonly nEmbd: number;
  readonly nHead: number;
  readonly nHeadKv: number;
  /** Channels of a head of queries and keys; not nEmbd / nHead. */
  readonly headDim: number;
  readonly nExpert: number;
  readonly nExpertUsed: number;
  /** Hidden size of one expert. */
  readonly nFfExp: number;
  readonly nVocab: number;
  /** 0 where the file does not say. */
  readonly nCtxTrain: number;
  readonly rmsEps: number;
  readonly ropeTheta: number;
  /** nHead * headDim */
  readonly qDim: number;
  /** nHeadKv * headDim */
  readonly kvDim: number;
}

/** What the keys of a table hold, and the rows of the token embedding. */
export type KeySizes<K extends KeyTable> = { readonly [N in keyof K]: number } & { readonly nVocab: number };

/** What an architecture's file says. `K`: its keys. `S`: its sizes and constants. */
export interface ArchSpec<K extends KeyTable, S extends CommonSizes & Sizes> {
  /** `general.architecture`. */
  readonly name: string;
  /** As people call it: Qwen3-MoE. */
  readonly title: string;
  /** A model of it, for the remedy of an error. */
  readonly example: string;
  /** GGUF keys by size, in the order in which they are read; without the architecture's prefix. */
  readonly keys: K;
  /** Keys beside those, where the architecture has other rules for them than `other-keys.ts`. */
  readonly otherKeys?: readonly OtherKey[];
  /** Tensors that no weight of the graph is, where it has other rules for them. */
  readonly otherTensors?: readonly OtherTensor[];
  /** Sizes of keys with which there is a layer of every kind that the architecture has, in forward order. By default one layer. */
  readonly sample?: Sizes;
  /** Sizes that follow from those of the file. @param contradict reports sizes that contradict each other */
  sizes(keys: KeySizes<K>, contradict: Contradict): S;
  /** (nTokens, nEmbd) */
  embed(g: GraphBuilder<keyof S & string>, s: S): Value;
  /** Layer `l`: (nTokens, nEmbd) to (nTokens, nEmbd). */
  layer(g: GraphBuilder<keyof S & string>, s: S, x: Value, l: number): Value;
  /** (nTokens, nEmbd) to the logits, (nTokens, nVocab). */
  head(g: GraphBuilder<keyof S & string>, s: S, x: Value): Value;
}

/** An architecture, its own sizes hidden. */
export interface Architecture {
  readonly name: string;
  readonly title: string;
  readonly keys: KeyTable;
  readonly otherKeys: readonly OtherKey[];
  readonly otherTensors: readonly OtherTensor[];
  /** Sizes from the values of {@link keys} and nVocab. @throws what `contradict` throws */
  sizes(keys: Readonly<Record<string, number>>, contradict: Contradict): CommonSizes & Sizes;
  /** The sizes that a file's metadata gives. @throws TracerError `gguf-missing-key`, `gguf-missing-tensor`, `gguf-malformed` */
  readSizes(model: ModelFile): CommonSizes & Sizes;
  /** The forward pass of a model of these sizes; those of keys that are not given are what a file without them has. */
  graph(sizes: Sizes): ModelGraph;
  readonly example: string;
  /** Sizes for {@link graph} with which every stage is there. */
  readonly sample: Sizes;
}

/** Makes an architecture of its file. */
export function defineArch<const K extends KeyTable, S extends CommonSizes & Sizes>(
  spec: ArchSpec<K, S>,
): Architecture {
  const { name, title, example, keys } = spec;
  // A table's own sizes are known inside its file alone; outside they are numbers by name.
  const sizes = (values: Readonly<Record<string, number>>, contradict: Contradict): S =>
    spec.sizes(values as KeySizes<K>, contradict);
  return {
    name,
    title,
    example,
    keys,
    otherKeys: spec.otherKeys ?? [],
    otherTensors: spec.otherTensors ?? [],
    sample: spec.sample ?? { nLayer: 1 },
    sizes,
    readSizes: (model) => {
      const { values, contradict } = readKeys(model, { name, title, keys });
      return sizes(values, contradict);
    },
    graph: (given) => {
      const s = withDefaults(keys, given) as S;
      return {
        arch: name,
        sizes: s,
        embed: section(undefined, undefined, (g: GraphBuilder<keyof S & string>) => spec.embed(g, s)),
        layers: Array.from({ length: s.nLayer }, (_, l): Layer => {
          const built = section(l, residual, (g: GraphBuilder<keyof S & string>) => spec.layer(g, s, residual, l));
          return { ...built, layer: l, input: residual };
        }),
        head: section(undefined, residual, (g: GraphBuilder<keyof S & string>) => spec.head(g, s, residual)),
      };
    },
  };
}

/** The residual stream as a section meets it. */
const residual: Value = { id: LAYER_INPUT, axes: ['nTokens', 'nEmbd'], kind: 'float' };

function section<D extends string>(
  layer: number | undefined,
  input: Value | undefined,
  build: (g: GraphBuilder<D>) => Value,
): Section {
  const g = new GraphBuilder<D>(layer);
  return g.section(input, build(g));
}
