import type { Node } from '../../arch/graph';
import { kernelText, type KernelPath, type KernelUse } from '../../model/kernel-use';
import { kernelName, type KernelSpec, type KernelVariant } from '../../ops/kernel-spec';
import { stageId } from './capture';

interface Entry {
  readonly kernel: string;
  readonly variant: string;
  readonly path: KernelPath;
  readonly nodes: Map<string, Node>;
  dispatches: number;
}

/** Which kernels made which values. */
export class KernelLog {
  readonly #entries = new Map<string, Entry>();
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
    const name = kernelName(kernel);
    const key = `${path} ${name} ${variant.id}`;
    let entry = this.#entries.get(key);
    if (entry === undefined) {
      entry = { kernel: name, variant: variant.id, path, nodes: new Map(), dispatches: 0 };
      this.#entries.set(key, entry);
    }
    entry.dispatches += dispatches;
    const text = kernelText(name, variant.id);
    for (const node of nodes) {
      entry.nodes.set(node.out.id, node);
      const made = this.#made.get(node.out.id);
      if (made === undefined) this.#made.set(node.out.id, new Set([text]));
      else made.add(text);
    }
  }

  /** The kernels that made a value of the section; undefined where none did: it was given. */
  of(stage: string): string | undefined {
    const made = this.#made.get(stage);
    return made === undefined ? undefined : [...made].join(' + ');
  }

  uses(): readonly KernelUse[] {
    return [...this.#entries.values()].map(({ kernel, variant, path, nodes, dispatches }) => ({
      ...{ kernel, variant, path, dispatches },
      ops: [...new Set([...nodes.values()].map(({ op }) => op))],
      stages: [...nodes.values()].map(({ out }) => stageId(out)),
    }));
  }
}
