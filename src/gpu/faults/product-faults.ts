import { faultTensors, type Fault } from '../../model/faults';
import type { HParams } from '../../model/hparams';
import { weightName } from '../../model/weights';
import type { ChangeTasks, MatmulTask } from '../engine/matmul-task';
import type { StageRun } from '../engine/stage-run';
import type { GpuContext } from '../device';
import { getPipeline } from '../pipelines';
import { F16_SUMS } from '../../ops/linear/defects';
import { xAlignment, type Matmul } from '../matmul/encode-matmul';
import type { MatmulShape } from '../matmul/choose-method';
import { matmulVariant } from '../matmul/variants';
import { expertPart, slicePart } from '../weights/weight-part';

/** What a fault makes of one task whose matrix it strikes; none: it is not computed. */
type ChangeTask = (task: MatmulTask) => readonly MatmulTask[];

/** How a product of the fault's layer is computed; undefined for faults that strike no product. */
export function productFault(fault: Fault, hparams: HParams): ((run: StageRun) => StageRun) | undefined {
  const change = changeOf(fault, hparams);
  if (change === undefined) return undefined;
  const tensors = new Set(faultTensors(fault).map((role) => weightName(role, fault.layer, hparams)));
  /** The expert that a fault without one strikes: the lowest that was chosen when its layer was first computed. */
  let lowest: number | undefined;
  const strikes = (task: MatmulTask): boolean => {
    if (!tensors.has(task.part.tensor.name)) return false;
    const expert = fault.kind === 'skip-expert' ? (fault.expert ?? lowest) : fault.expert;
    return expert === undefined || task.part.expert === expert;
  };
  return (run) => {
    if (run.layer !== fault.layer) return run;
    const changeTasks: ChangeTasks = (given, perToken) => {
      const tasks = run.changeTasks?.(given, perToken) ?? given;
      lowest ??= tasks.find((task) => task.part.expert !== undefined)?.part.expert;
      return tasks.flatMap((task) => {
        if (!strikes(task)) return [task];
        const [struck, spared] = split(task, fault.position, run.firstPosition, perToken);
        return [...(spared === undefined ? [] : [spared]), ...(struck === undefined ? [] : change(struck))];
      });
    };
    return { ...run, changeTasks };
  };
}

function changeOf(fault: Fault, hparams: HParams): ChangeTask | undefined {
  switch (fault.kind) {
    case 'wrong-expert':
      return (task) => [{ ...task, part: nextExpert(task, hparams.nExpert) }];
    case 'skip-expert':
      return () => [];
    case 'stale-row':
      return withoutMiddleRow;
    case 'off-by-one-row':
      return oneRowLater;
    case 'f16-accumulate':
      return (task) => [{ ...task, prepare: prepareF16 }];
    default:
      return undefined;
  }
}

function nextExpert({ part }: MatmulTask, nExpert: number) {
  return expertPart(part.weight, ((part.expert ?? 0) + 1) % nExpert);
}

/** Row nOut / 2 of the matrix is in no task. */
function withoutMiddleRow(task: MatmulTask): readonly MatmulTask[] {
  const nOut = task.part.tensor.dims[1] ?? 1;
  const row = Math.floor(nOut / 2) - task.column;
  if (row < 0 || row >= task.part.rows) return [task];
  return [rowsOf(task, 0, row, 0), rowsOf(task, row + 1, task.part.rows - row - 1, row + 1)].flat();
}

/** The bound rows begin one row late; the last output, which has no next row, is right. */
function oneRowLater(task: MatmulTask): readonly MatmulTask[] {
  const last = task.part.rows - 1;
  return [rowsOf(task, 1, last, 0), rowsOf(task, last, 1, last)].flat();
}

/** The outputs from `to` on of a task, computed with `count` of its rows from `from` on. */
function rowsOf(task: MatmulTask, from: number, count: number, to: number): readonly MatmulTask[] {
  return count === 0 ? [] : [{ ...task, part: slicePart(task.part, from, count), column: task.column + to }];
}

/** By the naive kernel, whatever the shape, with every sum rounded to half precision. */
async function prepareF16(context: GpuContext, shape: MatmulShape): Promise<Matmul> {
  const method = { kind: 'naive', tile: 8 } as const;
  const { kernel, variant, rowsPerGroup } = matmulVariant(shape.type, method);
  const pipeline = await getPipeline(context, kernel, { ...variant, edits: F16_SUMS });
  return { shape, method, tile: method.tile, pipeline, rowsPerGroup, xAlignment: xAlignment(method) };
}

/** The task at one position and at the others; all of it is struck where no position is named. */
function split(
  task: MatmulTask,
  position: number | undefined,
  firstPosition: number,
  perToken: number,
): readonly [struck: MatmulTask | undefined, spared: MatmulTask | undefined] {
  if (position === undefined) return [task, undefined];
  const struck: number[] = [];
  const spared: number[] = [];
  for (let i = 0; i < task.rows.length; i += 2) {
    const [x = 0, y = 0] = task.rows.slice(i, i + 2);
    (firstPosition + Math.floor(y / perToken) === position ? struck : spared).push(x, y);
  }
  const some = (rows: readonly number[]): MatmulTask | undefined => (rows.length === 0 ? undefined : { ...task, rows });
  return [some(struck), some(spared)];
}
