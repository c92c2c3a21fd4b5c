import { sizeOf, type Section, type Value } from '../../arch/graph';
import { fail } from '../../base/errors';
import type { BufferRange } from '../recorder';
import { ExpertGroups } from './expert-groups';
import { IndexReadback } from './index-readback';
import { weightOf, type StageRun, type Tools } from './stage-run';

/** What an expert product is told of the experts of its rows. */
export type Chosen = Pick<StageRun, 'experts' | 'groups'>;

/** Rows of chosen experts, (rows, nExpertUsed). */
interface ChosenRows {
  readonly indices: BufferRange;
  readonly rows: number;
  readonly width: number;
  /** Their values, where the caller has set them. */
  readonly forced: Uint32Array<ArrayBuffer> | undefined;
  readonly signal: AbortSignal | undefined;
}

/** Which experts the rows of a chunk chose: grouped on the GPU where all weights are there, else read back to know what to read from the file. */
export class ChosenExperts {
  readonly #tools: Tools;
  readonly #indices: IndexReadback;
  /** By the value that chooses. */
  readonly #groups = new Map<string, ExpertGroups>();

  constructor(tools: Tools) {
    this.#tools = tools;
    this.#indices = new IndexReadback(tools.context, tools.recorder);
  }

  /** @param at where the value lies, recorded and perhaps not yet computed */
  async of(section: Section, value: Value, at: ChosenRows): Promise<Chosen> {
    const { indices, rows, width, forced, signal } = at;
    const { bound, pacer } = this.#tools;
    if (this.#groupsOnGpu(section)) {
      const groups = this.#groupsOf(value);
      groups.begin(indices, rows);
      return { groups, experts: () => new Uint32Array(0) };
    }
    if (forced !== undefined) return { experts: () => forced };
    // The only values that the CPU looks at.
    const experts = await this.#indices.read(indices.buffer, rows * width, signal);
    pacer.reset();
    const nExpert = sizeOf(bound.graph.sizes, 'nExpert');
    const outside = experts.find((expert) => expert >= nExpert);
    if (outside !== undefined) {
      throw fail(
        'gpu-validation',
        `The GPU chose expert ${outside} of ${nExpert}.`,
        'The adapter or its driver computes wrongly. Update the driver, or use another adapter.',
        { expert: outside, nExpert },
      );
    }
    return { experts: () => experts };
  }

  dispose(): void {
    this.#indices.dispose();
    for (const groups of this.#groups.values()) groups.dispose();
    this.#groups.clear();
  }

  /** Where no expert has to be read, and each one's rows follow those of the one before. */
  #groupsOnGpu({ nodes }: Section): boolean {
    const { cache, groupOnGpu } = this.#tools;
    if (cache.resident === undefined || !groupOnGpu) return false;
    return nodes.every((node) => {
      if (node.op !== 'expert-linear') return true;
      const { nOut, firstRow, expertStride } = weightOf({ tools: this.#tools, node });
      return firstRow === 0 && expertStride === nOut;
    });
  }

  #groupsOf(value: Value): ExpertGroups {
    const { context, recorder, kernels, bound } = this.#tools;
    let groups = this.#groups.get(value.id);
    if (groups === undefined) {
      groups = new ExpertGroups(context, recorder, kernels, bound.graph.sizes);
      this.#groups.set(value.id, groups);
    }
    return groups;
  }
}
