import { ARCHITECTURES } from '../arch/architectures';
import type { Architecture } from '../arch/define-arch';
import type { Section } from '../arch/graph';
import type { StageId } from '../model/stages';

/*
 * A name of llama.cpp's graphs can mean one stage in one kind of layer and another in another: `attn_output` and `gate` of Qwen3-Next and
 * Qwen3.5, `ffn_moe_weights_norm` of GLM-4.5. A dump does not say which architecture it is of, but the names beside such a one tell.
 */

/** Stages by name, of one kind of layer. */
type Names = ReadonlyMap<string, StageId>;

/** The names that a dump has, by layer. */
export type NamesByLayer = ReadonlyMap<number, ReadonlySet<string>>;

let known: readonly (readonly Names[])[] | undefined;

/** By architecture, the kinds of layers that it has. */
function kinds(): readonly (readonly Names[])[] {
  known ??= ARCHITECTURES.map(kindsOf);
  return known;
}

/** Layers of the sample, and of the sample without one of its sizes: what a file may say or leave out makes stages come and go. */
function kindsOf(arch: Architecture): readonly Names[] {
  const without = Object.keys(arch.sample).map((left) =>
    Object.fromEntries(Object.entries(arch.sample).filter(([name]) => name !== left)),
  );
  return [arch.sample, ...without].flatMap((sizes) => arch.graph(sizes).layers.map(namesOf));
}

function namesOf({ nodes }: Section): Names {
  return new Map(nodes.flatMap(({ ggml, out }) => (ggml === '' ? [] : [[ggml, out.id] as const])));
}

/** How well a kind of layer fits: names that it has, less what of its own is missing, which counts only between equals. */
function fitOf(kind: Names, names: ReadonlySet<string>): number {
  const found = [...names].filter((name) => kind.has(name)).length;
  return found - (kind.size - found) / 1000;
}

function best<T>(all: readonly T[], fit: (one: T) => number): T | undefined {
  const [first, ...rest] = all.map((one) => ({ one, fit: fit(one) }));
  return first && rest.reduce((most, next) => (next.fit > most.fit ? next : most), first).one;
}

/** For each layer, what its names mean in the architecture that explains most of the dump. */
export function meaningsOf(layers: NamesByLayer): ReadonlyMap<number, Names> {
  const kindIn = (of: readonly Names[], names: ReadonlySet<string>): Names | undefined =>
    best(of, (kind) => fitOf(kind, names));
  const arch = best(kinds(), (of) =>
    [...layers.values()].reduce((sum, names) => sum + fitOf(kindIn(of, names) ?? new Map(), names), 0),
  );
  return new Map(
    [...layers].map(([layer, names]) => [layer, (arch && kindIn(arch, names)) ?? new Map<string, StageId>()]),
  );
}
