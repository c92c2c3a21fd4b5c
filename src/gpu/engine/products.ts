import { isPlain, type BoundWeight } from '../../arch/bind';
import type { Node } from '../../arch/graph';
import { rowLength } from '../../gguf/tensor-rows';
import { MAX_GROUPS } from '../../ops/kernel-grid';
import { chooseMethod, type MatmulDevice, type MatmulShape } from '../matmul/choose-method';
import { autoMethod, encodeMatmul, prepareMatmul, type Matmul, type MatmulStrides } from '../matmul/encode-matmul';
import { gpuRowWords } from '../../ops/weight-layout';
import { workList, type Share } from '../matmul/work-list';
import type { BufferRange } from '../recorder';
import { expertPart, headPart, matrixParts } from '../weights/weight-part';
import { batches } from '../weights/batches';
import type { PlacedRows } from '../weights/placed-rows';
import { thenAffine } from './affine-product';
import { cutShares } from './cut-shares';
import type { ExpertGroups } from './expert-groups';
import { expertRows } from './expert-rows';
import type { MatmulTask } from './matmul-task';
import { widthOf } from './sizes';
import { inputAt, valueAt, weightOf, type StageKernel, type StageRun, type Tools } from './stage-run';

/** Bytes of an entry of a work list, and entries whose bytes are a multiple of what a binding's offset has to be. */
const ENTRY_BYTES = 16;
const ENTRY_STEP = 256 / ENTRY_BYTES;

/** Rows of W in the smallest dispatch that a large product is cut into. */
const FEWEST_ROWS = 64;

/** Records y[row] = W x[row] for all rows of the run; a matrix that cannot be bound whole is tiled by rows. */
export const linearProduct: StageKernel<'linear'> = (run) => thenAffine(run, matrixProduct);

const matrixProduct: StageKernel = async (run) => {
  const { context, cache } = run.tools;
  const weight = weightOf(run);
  const { nIn, nOut, firstRow } = weight;
  const rows = Array.from({ length: 2 * run.rows }, (_, i) => i >> 1);
  const parts = matrixParts(weight, Math.min(context.maxBindingBytes, cache.batchBytes));
  const tasks = parts.map((part) => ({ part, rows, column: part.firstRow - firstRow }));
  const changed = run.changeTasks?.(tasks, 1) ?? tasks;
  const strides = { xStride: nIn, yStride: nOut, yOffset: run.outputRow * nOut };
  await product(run, changed, { rowsPerMatrix: run.stepTokens }, inputAt(run, 0), strides);
};

/**
 * Records y[t][slot] = W_e x for the expert e that slot chose: y is (rows, nUsed, nOut), x a row a token or a row a slot. Only chosen experts
 * are read.
 */
export const expertProduct: StageKernel<'expert-linear'> = (run) => thenAffine(run, chosenProduct);

const chosenProduct: StageKernel = async (run) => {
  const { cache } = run.tools;
  const weight = weightOf(run);
  const { nIn, nOut, nExpert } = weight;
  const nUsed = widthOf(run, run.node.out) / nOut;
  const perSlot = widthOf(run, valueAt(run.node, 0)) !== nIn;
  const rowsPerMatrix = Math.ceil((run.stepTokens * nUsed) / nExpert);
  const x = inputAt(run, 0);
  const resident = cache.resident?.rows(weight);
  if (run.groups !== undefined && resident !== undefined) {
    await groupedProduct(run, run.groups, { weight, resident, nUsed, rowsPerMatrix, x, perSlot });
    return;
  }
  const tasks = expertRows(run.experts()).map(({ expert, slots }) => ({
    part: expertPart(weight, expert),
    rows: slots.flatMap((slot) => [perSlot ? slot : Math.floor(slot / nUsed), slot]),
    column: 0,
  }));
  const changed = run.changeTasks?.(tasks, nUsed) ?? tasks;
  await product(run, changed, { rowsPerMatrix, matrices: nExpert }, x, { xStride: nIn, yStride: nOut });
};

/** Records y[t][h] = W_h x[t][h]: x is (rows, heads, nIn), y (rows, heads, nOut). */
export const headProduct: StageKernel<'head-linear'> = async (run) => {
  const weight = weightOf(run);
  const { nIn, nOut, nExpert: heads } = weight;
  const tasks = Array.from({ length: heads }, (_, head) => ({
    part: headPart(weight, head),
    rows: Array.from({ length: 2 * run.rows }, (__, i) => (i >> 1) * heads + head),
    column: 0,
  }));
  const changed = run.changeTasks?.(tasks, heads) ?? tasks;
  const strides = { xStride: nIn, yStride: nOut };
  await product(run, changed, { rowsPerMatrix: run.stepTokens, matrices: heads }, inputAt(run, 0), strides);
};

/** {@link expertProduct} with a work list that the GPU makes: the same entries, so the same bits. */
async function groupedProduct(
  run: StageRun,
  groups: ExpertGroups,
  experts: {
    readonly weight: BoundWeight;
    readonly resident: readonly PlacedRows[];
    readonly nUsed: number;
    readonly rowsPerMatrix: number;
    readonly x: BufferRange;
    readonly perSlot: boolean;
  },
): Promise<void> {
  const { context, recorder, pacer } = run.tools;
  const { weight, resident, nUsed, rowsPerMatrix, x, perSlot } = experts;
  const { nIn, nOut, nExpert } = weight;
  const shape = { type: weight.tensor.type, nIn, nOut, rowsPerMatrix, matrices: nExpert };
  const strides = { xStride: nIn, yStride: nOut };
  const matmul = await prepareMatmul(context, shape);
  const { tile } = matmul;
  for (const { buffer, firstRow, rows } of resident) {
    const firstExpert = firstRow / nOut;
    const endExpert = firstExpert + rows / nOut;
    const list = groups.list({ tile, expertWords: nOut * gpuRowWords(shape.type, nIn), firstExpert, endExpert });
    // As many entries a dispatch as keep it short; bindings begin at multiples of 256 bytes.
    const most = Math.floor(pacer.quantum / (2 * nIn * nOut * tile) / ENTRY_STEP) * ENTRY_STEP;
    const each = Math.min(Math.max(ENTRY_STEP, most), Math.floor(MAX_GROUPS / ENTRY_STEP) * ENTRY_STEP);
    const slots = (run.rows * nUsed) / resident.length;
    for (let first = 0; first < list.entryCount; first += each) {
      const count = Math.min(each, list.entryCount - first);
      encodeMatmul(
        recorder,
        matmul,
        {
          x,
          y: run.output,
          weights: { buffer },
          entries: { buffer: list.entries, offset: ENTRY_BYTES * first, size: ENTRY_BYTES * count },
          rows: { buffer: perSlot ? list.slotRows : list.tokenRows },
        },
        strides,
        count,
      );
      await pacer.spend((2 * nIn * nOut * slots * count) / list.entryCount, run.signal);
    }
  }
}

/** How many of these products, from the first on, lie in one buffer on the GPU and are each multiplied in the same way: then their bits are theirs. */
export function joinedProducts(
  { bound, cache }: Pick<Tools, 'bound' | 'cache'>,
  device: MatmulDevice,
  stepTokens: number,
  nodes: readonly Node[],
): number {
  const weights = nodes.map((node) => weightOf({ tools: { bound }, node }));
  // What stands beside a weight follows its product alone.
  const plain = weights.findIndex((weight) => !isPlain(weight));
  const stack = cache.resident?.stack(plain < 0 ? weights : weights.slice(0, plain)) ?? [];
  const kinds = stack.map(({ tensor, rows: nOut }) => {
    const shape = { type: tensor.type, nIn: rowLength(tensor), nOut, rowsPerMatrix: stepTokens };
    return chooseMethod(shape, device).kind;
  });
  return kinds.every((kind) => kind === kinds[0]) ? stack.length : 0;
}

/**
 * Records the run's product and those after it in its stack, whose matrices lie in one buffer as if they were one, side by side in rows of y
 * of `width` values: one dispatch for all, which fills a GPU better than each alone.
 */
export async function stackedProduct(
  run: StageRun,
  stack: readonly PlacedRows[],
  y: BufferRange,
  width: number,
): Promise<void> {
  const { context } = run.tools;
  const [first] = stack;
  if (first === undefined) throw new RangeError(`${run.node.out.id} has no matrix beside it`);
  const { tensor, buffer } = first;
  const nIn = rowLength(tensor);
  const nOut = stack.reduce((sum, { rows }) => sum + rows, 0);
  const shape = { type: tensor.type, nIn, nOut, rowsPerMatrix: run.stepTokens };
  const method = await autoMethod(context, { ...shape, nOut: first.rows });
  // A tile's size changes no bit; for all others the method depends on the length of rows alone.
  const matmul = await prepareMatmul(context, shape, method.kind === 'tile' ? undefined : method);
  const rows = Array.from({ length: 2 * run.rows }, (_, i) => i >> 1);
  const products = { nRows: nOut, column: 0, weights: buffer, shares: [{ weightWords: 0, rows }] };
  await encodePaced({ ...run, output: y }, matmul, products, inputAt(run, 0), { xStride: nIn, yStride: width });
}

async function product(
  run: StageRun,
  tasks: readonly MatmulTask[],
  rows: Pick<MatmulShape, 'rowsPerMatrix' | 'matrices'>,
  x: BufferRange,
  strides: MatmulStrides,
): Promise<void> {
  const { cache, recorder, context } = run.tools;
  for (const batch of batches(tasks, (task) => task.part.bytes, cache.batchBytes)) {
    const parts = batch.map((task) => task.part);
    if (!cache.hasRoomFor(parts)) recorder.submit();
    const pinned = await cache.acquire(parts, run.signal);
    try {
      for (const group of joined(batch, pinned.places)) {
        const { tensor, nIn, nOut } = group.part.weight;
        const prepare = group.prepare ?? prepareMatmul;
        const matmul = await prepare(context, { type: tensor.type, nIn, nOut, ...rows });
        await encodePaced(run, matmul, group, x, strides);
      }
    } finally {
      // Not before: pacing submits in between, and what is recorded after that still reads the weights.
      recorder.afterSubmit(pinned.release);
    }
  }
}

/** Tasks that one dispatch can serve: equal parts of one tensor, side by side in one buffer, written to the same columns. */
interface Group extends Products, Pick<MatmulTask, 'part' | 'prepare'> {}

/** Matrices of equal size in one buffer and the rows that meet each. */
interface Products {
  /** Rows of each. */
  readonly nRows: number;
  /** Where the first goes in a row of y. */
  readonly column: number;
  readonly weights: GPUBuffer;
  /** For each part, where it begins in the buffer and the rows that meet it. */
  readonly shares: Share[];
}

function joined(tasks: readonly MatmulTask[], places: readonly PlacedRows[]): readonly Group[] {
  const groups: Group[] = [];
  for (const [i, task] of tasks.entries()) {
    const place = places[i];
    if (place === undefined) continue;
    const { part, column, rows, prepare } = task;
    let group = groups.find(
      (g) =>
        g.weights === place.buffer &&
        g.part.weight.tensor.name === part.weight.tensor.name &&
        g.part.rows === part.rows &&
        g.column === column &&
        g.prepare === prepare,
    );
    if (group === undefined) {
      group = {
        part,
        nRows: part.rows,
        column,
        weights: place.buffer,
        shares: [],
        ...(prepare === undefined ? {} : { prepare }),
      };
      groups.push(group);
    }
    group.shares.push({ weightWords: place.offset / 4, rows });
  }
  return groups;
}

/** Records the products of a group, in as many dispatches as keep each of them short. */
async function encodePaced(
  run: StageRun,
  matmul: Matmul,
  { nRows, column, weights, shares }: Products,
  x: BufferRange,
  strides: MatmulStrides,
): Promise<void> {
  const { recorder, pacer } = run.tools;
  const { tile, shape } = matmul;
  const rowWords = gpuRowWords(shape.type, shape.nIn);
  const outRows = Math.max(FEWEST_ROWS, Math.floor(pacer.quantum / (2 * shape.nIn * tile)));
  for (let out = 0; out < nRows; out += outRows) {
    const nOut = Math.min(outRows, nRows - out);
    const tiles = Math.floor(pacer.quantum / (2 * shape.nIn * nOut * tile));
    for (const some of cutShares(shares, tile, Math.min(MAX_GROUPS, Math.max(1, tiles)))) {
      const list = workList(
        some.map(({ weightWords, rows }) => ({ weightWords: weightWords + out * rowWords, rows })),
        tile,
      );
      encodeMatmul(
        recorder,
        { ...matmul, shape: { ...shape, nOut } },
        {
          x,
          y: run.output,
          weights: { buffer: weights },
          entries: recorder.table(list.entries),
          rows: recorder.table(list.rows),
        },
        { ...strides, yOffset: (strides.yOffset ?? 0) + column + out },
        list.entryCount,
      );
      await pacer.spend(2 * shape.nIn * nOut * (list.rows.length / 2), run.signal);
    }
  }
}
