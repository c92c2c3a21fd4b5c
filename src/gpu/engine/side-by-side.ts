import type { Node, Section } from '../../arch/graph';
import type { JoinedProducts } from '../../fusions/side-by-side/fusion';
import { linearGrid } from '../../ops/kernel-grid';
import type { BufferRange } from '../recorder';
import { READS_COLUMNS } from './op-kernels';
import { stackedProduct } from './products';
import { readersOf } from './section-plan';
import { widthOf } from './sizes';
import { logged, weightOf, type StageRun, type Tools, type ValueRange } from './stage-run';
import type { ValueBuffers } from './value-buffers';

const LANES = 64;

/** Products of one input side by side in the rows of one buffer, of one chunk's turn. */
export class SideBySide {
  readonly #section: Section;
  readonly #buffers: ValueBuffers;
  /** Where a value lies. */
  readonly #made = new Map<string, Required<ValueRange>>();

  constructor(section: Section, buffers: ValueBuffers) {
    this.#section = section;
    this.#buffers = buffers;
  }

  /** Where a value lies that was computed with others. */
  find(id: string): ValueRange | undefined {
    return this.#made.get(id);
  }

  /**
   * Records the products of a cover, unless that was done when the first of them came; then copies the value to its own place, if somebody
   * needs it there.
   */
  async compute(run: StageRun, cover: JoinedProducts, isCaptured: boolean): Promise<void> {
    const { node } = run;
    if (!this.#made.has(node.out.id)) await this.#together(run, cover);
    const made = this.#made.get(node.out.id);
    if (made !== undefined && (isCaptured || this.#isReadPacked(node))) copyColumns(run, made);
  }

  async #together(run: StageRun, { nodes }: JoinedProducts): Promise<void> {
    const { tools } = run;
    const stack = tools.cache.resident?.stack(nodes.map((node) => weightOf({ tools, node }))) ?? [];
    const width = nodes.reduce((sum, { out }) => sum + widthOf(run, out), 0);
    const output = this.#buffers.get(nodes.map(({ out }) => out.id).join(' '), run.rows * width);
    await logged(tools, 'prompt', nodes, () => stackedProduct(run, stack, output, width));
    let first = 0;
    for (const { out } of nodes) {
      this.#made.set(out.id, { ...whole(output), columns: { stride: width, first } });
      first += widthOf(run, out);
    }
  }

  /** Whether a value is needed in rows of its own: kept as state, or read by an operation that takes no columns. */
  #isReadPacked({ out, writes }: Node): boolean {
    return writes !== undefined || readersOf(this.#section, out).some(({ op }) => !READS_COLUMNS.has(op));
  }
}

/** Copies a value that lies in columns to the output of its run, packed. */
export function copyColumns(run: StageRun, x: ValueRange): void {
  const { recorder, kernels }: Pick<Tools, 'recorder' | 'kernels'> = run.tools;
  const rowLength = widthOf(run, run.node.out);
  const { stride, first } = x.columns ?? { stride: rowLength, first: 0 };
  const count = run.rows * rowLength;
  recorder.dispatch(
    kernels.copyRows,
    { x, y: run.output },
    { count, rowLength, xStride: stride, xOffset: first, yOffset: run.outputRow * rowLength },
    linearGrid(count, LANES),
  );
}

function whole({ buffer, offset = 0, size = buffer.size - offset }: BufferRange): Required<BufferRange> {
  return { buffer, offset, size };
}
