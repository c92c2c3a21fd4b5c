import { faultTensors, type Fault } from '../../model/faults';
import type { HParams } from '../../model/hparams';
import { weightName } from '../../model/weights';
import type { ChangeLoads, Load } from '../engine/product-load';
import type { StageRun } from '../engine/stage-run';
import type { GpuContext } from '../device';
import { getPipeline } from '../pipelines';
import { F16_SUMS } from '../../ops/linear/defects';
import { xAlignment, type Matmul } from '../matmul/encode-matmul';
import type { MatmulShape } from '../matmul/choose-method';
import { matmulVariant } from '../matmul/variants';
import { expertPart, slicePart } from '../weights/weight-part';

/** What a fault makes of one load whose matrix it strikes; none: it is not computed. */
type ChangeLoad = (load: Load) => readonly Load[];

/** How a product of the fault's layer is computed; undefined for faults that strike no product. */
export function productFault(fault: Fault, hparams: HParams): ((run: StageRun) => StageRun) | undefined {
  const change = changeOf(fault, hparams);
  if (change === undefined) return undefined;
  const tensors = new Set(faultTensors(fault).map((role) => weightName(role, fault.layer, hparams)));
  /** The expert that a fault without one strikes: the lowest that was chosen when its layer was first computed. */
  let lowest: number | undefined;
  const strikes = (load: Load): boolean => {
    if (!tensors.has(load.part.tensor.name)) return false;
    const expert = fault.kind === 'skip-expert' ? (fault.expert ?? lowest) : fault.expert;
    return expert === undefined || load.part.expert === expert;
  };
  return (run) => {
    if (run.layer !== fault.layer) return run;
    const changeLoads: ChangeLoads = (given, perToken) => {
      const loads = run.changeLoads?.(given, perToken) ?? given;
      lowest ??= loads.find((load) => load.part.expert !== undefined)?.part.expert;
      return loads.flatMap((load) => {
        if (!strikes(load)) return [load];
        const [struck, spared] = split(load, fault.position, run.firstPosition, perToken);
        return [...(spared === undefined ? [] : [spared]), ...(struck === undefined ? [] : change(struck))];
      });
    };
    return { ...run, changeLoads };
  };
}

function changeOf(fault: Fault, hparams: HParams): ChangeLoad | undefined {
  switch (fault.kind) {
    case 'wrong-expert':
      return (load) => [{ ...load, part: nextExpert(load, hparams.nExpert) }];
    case 'skip-expert':
      return () => [];
    case 'stale-row':
      return withoutMiddleRow;
    case 'off-by-one-row':
      return oneRowLater;
    case 'f16-accumulate':
      return (load) => [{ ...load, prepare: prepareF16 }];
    default:
      return undefined;
  }
}

function nextExpert({ part }: Load, nExpert: number) {
  return expertPart(part.weight, ((part.expert ?? 0) + 1) % nExpert);
}

/** Row nOut / 2 of the matrix is in no load. */
function withoutMiddleRow(load: Load): readonly Load[] {
  const nOut = load.part.tensor.dims[1] ?? 1;
  const row = Math.floor(nOut / 2) - load.column;
  if (row < 0 || row >= load.part.nRows) return [load];
  return [rowsOf(load, 0, row, 0), rowsOf(load, row + 1, load.part.nRows - row - 1, row + 1)].flat();
}

/** The bound rows begin one row late; the last output, which has no next row, is right. */
function oneRowLater(load: Load): readonly Load[] {
  const last = load.part.nRows - 1;
  return [rowsOf(load, 1, last, 0), rowsOf(load, last, 1, last)].flat();
}

/** The outputs from `to` on of a load, computed with `count` of its rows from `from` on. */
function rowsOf(load: Load, from: number, count: number, to: number): readonly Load[] {
  return count === 0 ? [] : [{ ...load, part: slicePart(load.part, from, count), column: load.column + to }];
}

/** By the naive kernel, whatever the shape, with every sum rounded to half precision. */
async function prepareF16(context: GpuContext, shape: MatmulShape): Promise<Matmul> {
  const method = { kind: 'naive', tile: 8 } as const;
  const { kernel, variant, rowsPerGroup } = matmulVariant(shape.type, method);
  const pipeline = await getPipeline(context, kernel, { ...variant, edits: F16_SUMS });
  return { shape, method, tile: method.tile, pipeline, rowsPerGroup, xAlignment: xAlignment(method) };
}

/** The load at one position and at the others; all of it is struck where no position is named. */
function split(
  load: Load,
  position: number | undefined,
  firstPosition: number,
  perToken: number,
): readonly [struck: Load | undefined, spared: Load | undefined] {
  if (position === undefined) return [load, undefined];
  const struck: number[] = [];
  const spared: number[] = [];
  for (let i = 0; i < load.rows.length; i += 2) {
    const [x = 0, y = 0] = load.rows.slice(i, i + 2);
    (firstPosition + Math.floor(y / perToken) === position ? struck : spared).push(x, y);
  }
  const some = (rows: readonly number[]): Load | undefined => (rows.length === 0 ? undefined : { ...load, rows });
  return [some(struck), some(spared)];
}
