import type { Node } from '../../arch/graph';
import { kernelText, type KernelPath, type KernelUse } from '../../model/kernel-use';
import { kernelName, type KernelSpec, type KernelVariant } from '../../ops/kernel-spec';

interface Entry {
  readonly kernel: string;
  readonly variant: string;
  /** Both as one text. */
  readonly text: string;
  readonly path: KernelPath;
  readonly nodes: Map<string, Node>;
  dispatches: number;
}

/** Which kernels made which values. */
export class KernelLog {
  readonly #entries: Entry[] = [];
  /** Their places by kernel, then by path and variant: a note a dispatch must cost next to nothing. */
  readonly #byKernel = new WeakMap<KernelSpec, Map<KernelPath, Map<string, Entry>>>();
  /** By stage: the kernels of the section that is being computed. */
  readonly #made = new Map<string, Set<string>>();

  /** Forgets which kernels made the values of the section before. */
  begin(): void {
    this.#made.clear();
  }

  /** Some dispatches of a kernel that computed these nodes. */
  note(
    kernel: KernelSpec,
    variant: Pick<KernelVariant, 'id'>,
    path: KernelPath,
    nodes: readonly Node[],
    dispatches = 1,
  ): void {
    const entry = this.#entryOf(kernel, variant.id, path);
    entry.dispatches += dispatches;
    for (const node of nodes) {
      const { id } = node.out;
      if (!entry.nodes.has(id)) entry.nodes.set(id, node);
      const made = this.#made.get(id);
      if (made === undefined) this.#made.set(id, new Set([entry.text]));
      else made.add(entry.text);
    }
  }

  #entryOf(kernel: KernelSpec, variant: string, path: KernelPath): Entry {
    let ofKernel = this.#byKernel.get(kernel);
    if (ofKernel === undefined) this.#byKernel.set(kernel, (ofKernel = new Map<KernelPath, Map<string, Entry>>()));
    let ofPath = ofKernel.get(path);
    if (ofPath === undefined) ofKernel.set(path, (ofPath = new Map<string, Entry>()));
    const found = ofPath.get(variant);
    if (found !== undefined) return found;
    const name = kernelName(kernel);
    const text = kernelText(name, variant);
    const entry: Entry = { kernel: name, variant, text, path, nodes: new Map(), dispatches: 0 };
    ofPath.set(variant, entry);
    this.#entries.push(entry);
    return entry;
  }

  /** The kernels that made a value of the section; undefined where none did: it was given. */
  of(stage: string): string | undefined {
    const made = this.#made.get(stage);
    return made === undefined ? undefined : [...made].join(' + ');
  }

  uses(): readonly KernelUse[] {
    return this.#entries.map(({ kernel, variant, path, nodes, dispatches }) => ({
      ...{ kernel, variant, path, dispatches },
      ops: [...new Set([...nodes.values()].map(({ op }) => op))],
      stages: [...nodes.values()].map(({ out }) => out.id),
    }));
  }
}
