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

/** Kinds of layers that an architecture has with some of its sample's sizes left out, by its name and theirs. */
const known = new Map<string, readonly Names[]>();

function kindsOf(arch: Architecture, left: readonly string[]): readonly Names[] {
  const key = [arch.name, ...left.toSorted()].join(' ');
  const kinds = known.get(key) ?? buildKinds(arch, left);
  known.set(key, kinds);
  return kinds;
}

function buildKinds(arch: Architecture, left: readonly string[]): readonly Names[] {
  const sizes = Object.fromEntries(Object.entries(arch.sample).filter(([name]) => !left.includes(name)));
  return arch.graph(sizes).layers.map(namesOf);
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

/** A kind of layer, and how well it fits. */
interface Fitted {
  readonly kind: Names;
  readonly fit: number;
}

/**
 * The kind of layer that has these names: of the sample, less whatever makes it fit better, one size after the other. What a file may say or
 * leave out makes stages come and go: `ffn_moe_weights` are a router's last values only where they are neither normalised nor scaled.
 */
function kindIn(arch: Architecture, names: ReadonlySet<string>): Fitted {
  const fitted = (left: readonly string[]): Fitted & { readonly left: readonly string[] } => {
    const kind = best(kindsOf(arch, left), (one) => fitOf(one, names)) ?? new Map<string, StageId>();
    return { kind, fit: fitOf(kind, names), left };
  };
  let found = fitted([]);
  for (;;) {
    const { left } = found;
    const further = Object.keys(arch.sample).flatMap((name) => (left.includes(name) ? [] : [fitted([...left, name])]));
    const next = best(further, ({ fit }) => fit);
    if (next === undefined || next.fit <= found.fit) return found;
    found = next;
  }
}

/** For each layer, what its names mean in the architecture that explains most of the dump. */
export function meaningsOf(layers: NamesByLayer): ReadonlyMap<number, Names> {
  const inArch = ARCHITECTURES.map(
    (arch) => new Map([...layers].map(([layer, names]) => [layer, kindIn(arch, names)])),
  );
  const most = best(inArch, (found) => [...found.values()].reduce((sum, { fit }) => sum + fit, 0));
  return new Map([...(most ?? [])].map(([layer, { kind }]) => [layer, kind]));
}
