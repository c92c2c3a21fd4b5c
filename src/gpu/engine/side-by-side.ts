import { isPlain } from '../../arch/bind';
import type { Node } from '../../arch/graph';
import { linearGrid } from '../../ops/kernel-grid';
import type { BufferRange } from '../recorder';
import { READS_COLUMNS } from './op-kernels';
import { stackedProduct } from './products';
import { readersOf, type SectionPlan } from './section-plan';
import { widthOf } from './sizes';
import { logged, weightOf, type StageRun, type Tools, type ValueRange } from './stage-run';
import type { ValueBuffers } from './value-buffers';

const LANES = 64;

/**
 * Products of one input side by side in the rows of one buffer. Where their weights lie stacked on the GPU, one dispatch computes all of
 * them, since k and v alone are too small to fill a GPU. The bits are those of each product alone. Of one chunk's turn.
 */
export class SideBySide {
  readonly #plan: SectionPlan;
  readonly #buffers: ValueBuffers;
  /** Where a value lies. */
  readonly #made = new Map<string, Required<ValueRange>>();

  constructor(plan: SectionPlan, buffers: ValueBuffers) {
    this.#plan = plan;
    this.#buffers = buffers;
  }

  /** Where a value lies that was computed with others. */
  find(id: string): ValueRange | undefined {
    return this.#made.get(id);
  }

  /**
   * Records a product and those beside it, unless that was done when the first of them came; then copies the value to its own place, if
   * somebody needs it there.
   * @returns false where the product has to be computed alone.
   */
  async compute(run: StageRun, isCaptured: boolean): Promise<boolean> {
    const { node } = run;
    if (node.op !== 'linear') return false;
    if (!this.#made.has(node.out.id) && !(await this.#together({ ...run, node }))) return false;
    const made = this.#made.get(node.out.id);
    if (made !== undefined && (isCaptured || this.#isReadPacked(node))) copyColumns(run, made);
    return true;
  }

  async #together(run: StageRun<'linear'>): Promise<boolean> {
    const siblings = this.#plan.siblings.get(run.node.out.id) ?? [];
    const members = siblings.slice(siblings.findIndex(({ out }) => out.id === run.node.out.id));
    const { tools } = run;
    // What stands beside a weight follows its product alone.
    if (!members.every((node) => isPlain(weightOf({ tools, node })))) return false;
    const stack = tools.cache.resident?.stack(members.map((node) => weightOf({ tools, node })));
    if (stack === undefined) return false;
    const together = members.slice(0, stack.rows.length);
    const width = siblings.reduce((sum, { out }) => sum + widthOf(run, out), 0);
    let first = siblings
      .slice(0, siblings.length - members.length)
      .reduce((sum, { out }) => sum + widthOf(run, out), 0);
    const output = this.#buffers.get(siblings.map(({ out }) => out.id).join(' '), run.rows * width);
    let isDone = false;
    await logged(tools, 'prompt', together, async () => {
      isDone = await stackedProduct(run, stack, output, { yStride: width, yOffset: first });
    });
    if (!isDone) return false;
    for (const { out } of together) {
      this.#made.set(out.id, { ...whole(output), columns: { stride: width, first } });
      first += widthOf(run, out);
    }
    return true;
  }

  /** Whether a value is needed in rows of its own: kept as state, or read by an operation that takes no columns. */
  #isReadPacked({ out, writes }: Node): boolean {
    return writes !== undefined || readersOf(this.#plan.section, out).some(({ op }) => !READS_COLUMNS.has(op));
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
