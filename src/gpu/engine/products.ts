import { findWeight } from '../../model/weights';
import type { WeightRole } from '../../model/stages';
import { MAX_GROUPS } from '../../ops/kernel-grid';
import type { MatmulShape } from '../matmul/choose-method';
import { autoMethod, encodeMatmul, prepareMatmul, type Matmul, type MatmulStrides } from '../matmul/encode-matmul';
import { gpuRowWords } from '../matmul/weight-layout';
import { workList } from '../matmul/work-list';
import type { BufferRange } from '../recorder';
import { expertPart, matrixParts } from '../weights/weight-part';
import { batches } from '../weights/batches';
import type { ResidentMatrix, Stack } from '../weights/resident-weights';
import type { WeightPlace } from '../weights/weight-cache';
import { cutShares, type MatrixShare } from './cut-shares';
import type { ExpertGroups } from './expert-groups';
import { expertRows } from './expert-rows';
import type { Load } from './product-load';
import type { StageRun } from './stage-run';

/** Bytes of an entry of a work list, and entries whose bytes are a multiple of what a binding's offset has to be. */
const ENTRY_BYTES = 16;
const ENTRY_STEP = 256 / ENTRY_BYTES;

/** Rows of W in the smallest dispatch that a large product is cut into. */
const FEWEST_ROWS = 64;

/** Records y[row] = W x[row] for all rows of the run; a matrix that cannot be bound whole is tiled by rows. */
export async function denseProduct(
  run: StageRun,
  role: WeightRole,
  x: BufferRange,
  strides: MatmulStrides,
): Promise<void> {
  const { tools } = run;
  const tensor = findWeight(tools.model, tools.hparams, role, run.layer);
  const parts = matrixParts(tensor, Math.min(tools.context.maxBindingBytes, tools.cache.batchBytes));
  const rows = Array.from({ length: 2 * run.rows }, (_, i) => i >> 1);
  const loads = parts.map((part) => ({ part, rows, column: part.firstRow }));
  const changed = run.changeLoads?.(loads, false) ?? loads;
  await product(run, changed, { rowsPerMatrix: run.stepTokens }, x, strides);
}

/**
 * Records y[t][slot] = W_e x for the expert e that slot chose. x is a row a token, or with `perSlot` a row a slot; y (rows, nExpertUsed,
 * nOut). Only chosen experts are read.
 */
export async function expertProduct(run: StageRun, role: WeightRole, x: BufferRange, perSlot: boolean): Promise<void> {
  const { tools } = run;
  const { nExpertUsed, nExpert } = tools.hparams;
  const tensor = findWeight(tools.model, tools.hparams, role, run.layer);
  const [nIn = 0, nOut = 0] = tensor.dims;
  const rowsPerMatrix = Math.ceil((run.stepTokens * nExpertUsed) / nExpert);
  const resident = tools.cache.resident?.matrix(role, run.layer);
  if (run.groups !== undefined && resident !== undefined) {
    const strides = { xStride: nIn, yStride: nOut };
    await groupedProduct(
      run,
      run.groups,
      resident,
      { type: tensor.type, nIn, nOut, rowsPerMatrix },
      x,
      strides,
      perSlot,
    );
    return;
  }
  const loads = expertRows(run.experts()).map(({ expert, slots }) => ({
    part: expertPart(tensor, expert),
    rows: slots.flatMap((slot) => [perSlot ? slot : Math.floor(slot / nExpertUsed), slot]),
    column: 0,
  }));
  const changed = run.changeLoads?.(loads, true) ?? loads;
  await product(run, changed, { rowsPerMatrix, matrices: nExpert }, x, { xStride: nIn, yStride: nOut });
}

/** {@link expertProduct} with a work list that the GPU makes: the same entries, so the same bits. */
async function groupedProduct(
  run: StageRun,
  groups: ExpertGroups,
  resident: ResidentMatrix,
  shape: MatmulShape,
  x: BufferRange,
  strides: MatmulStrides,
  perSlot: boolean,
): Promise<void> {
  const { context, recorder, pacer, hparams } = run.tools;
  const { nIn, nOut } = shape;
  const matmul = await prepareMatmul(context, { ...shape, matrices: hparams.nExpert });
  const { tile } = matmul;
  for (const { buffer, firstRow, rows } of resident.tiles) {
    const firstExpert = firstRow / nOut;
    const endExpert = firstExpert + rows / nOut;
    const list = groups.list({ tile, expertWords: nOut * gpuRowWords(shape.type, nIn), firstExpert, endExpert });
    // As many entries a dispatch as keep it short; bindings begin at multiples of 256 bytes.
    const most = Math.floor(pacer.quantum / (2 * nIn * nOut * tile) / ENTRY_STEP) * ENTRY_STEP;
    const each = Math.min(Math.max(ENTRY_STEP, most), Math.floor(MAX_GROUPS / ENTRY_STEP) * ENTRY_STEP);
    const slots = (run.rows * hparams.nExpertUsed) / resident.tiles.length;
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

/**
 * Records y = W x for matrices that lie in one buffer as if they were one, one after another in the columns of y: one dispatch for all, which
 * fills a GPU better than each alone.
 * @param members rows of each of them
 * @param x rows of as many elements as those of the matrices, packed
 * @returns false, with nothing recorded, where the matrices alone would be multiplied in different ways: then their bits would be others.
 */
export async function stackedProduct(
  run: StageRun,
  stack: Stack,
  members: readonly number[],
  x: BufferRange,
  strides: MatmulStrides,
): Promise<boolean> {
  const { context } = run.tools;
  const { type, rows: nOut, buffer } = stack;
  const shape = { type, nIn: strides.xStride, nOut, rowsPerMatrix: run.stepTokens };
  const methods = await Promise.all(members.map((rows) => autoMethod(context, { ...shape, nOut: rows })));
  const [method] = methods;
  if (method === undefined || methods.some(({ kind }) => kind !== method.kind)) return false;
  // A tile's size changes no bit; for all others the method depends on the length of rows alone.
  const matmul = await prepareMatmul(context, shape, method.kind === 'tile' ? undefined : method);
  const rows = Array.from({ length: 2 * run.rows }, (_, i) => i >> 1);
  const products = { nRows: nOut, column: 0, weights: buffer, shares: [{ weightWords: 0, rows }] };
  await encodePaced(run, matmul, products, x, strides);
  return true;
}

async function product(
  run: StageRun,
  loads: readonly Load[],
  rows: Pick<MatmulShape, 'rowsPerMatrix' | 'matrices'>,
  x: BufferRange,
  strides: MatmulStrides,
): Promise<void> {
  const { cache, recorder, context } = run.tools;
  for (const batch of batches(loads, (load) => load.part.bytes, cache.batchBytes)) {
    const parts = batch.map((load) => load.part);
    if (!cache.hasRoomFor(parts)) recorder.submit();
    const pinned = await cache.acquire(parts, run.signal);
    try {
      for (const group of joined(batch, pinned.places)) {
        const { tensor, nIn } = group.part;
        const nOut = tensor.dims[1] ?? 1;
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

/** Loads that one dispatch can serve: equal parts of one tensor, side by side in one buffer, written to the same columns. */
interface Group extends Products, Pick<Load, 'part' | 'prepare'> {}

/** Matrices of equal size in one buffer and the rows that meet each. */
interface Products {
  /** Rows of each. */
  readonly nRows: number;
  /** Where the first goes in a row of y. */
  readonly column: number;
  readonly weights: GPUBuffer;
  /** For each part, where it begins in the buffer and the rows that meet it. */
  readonly shares: MatrixShare[];
}

function joined(loads: readonly Load[], places: readonly WeightPlace[]): readonly Group[] {
  const groups: Group[] = [];
  for (const [i, load] of loads.entries()) {
    const place = places[i];
    if (place === undefined) continue;
    const { part, column, rows, prepare } = load;
    let group = groups.find(
      (g) =>
        g.weights === place.buffer &&
        g.part.tensor.name === part.tensor.name &&
        g.part.nRows === part.nRows &&
        g.column === column &&
        g.prepare === prepare,
    );
    if (group === undefined) {
      group = {
        part,
        nRows: part.nRows,
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
