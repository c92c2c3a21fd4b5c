import { without } from '../base/without';
import type { Row } from '../divergence/report';
import type { HParams } from '../model/hparams';
import { stageIn } from '../model/graph-of';
import type { StageId, StageSpec } from '../model/stages';
import { weightName } from '../model/weights';
import type { ArithmeticId } from './arithmetics';
import type { HeldValues } from './held-values';
import type { LocalError } from './local-errors';
import { nameArithmetics, ratioWithin, type NamedArithmetic, type Unexplained } from './name-arithmetic';

/** What a stranger's local errors come to. */
export interface JudgedRows {
  readonly arithmetics: readonly NamedArithmetic[];
  /** In the order of the errors; `arithmetic` says whose bound the ratio is of. */
  readonly rows: readonly Row[];
}

/** Names a stranger's arithmetics, and gives each row its ratio in the one that it is judged by. */
export function judgedRows(
  errors: readonly LocalError[],
  { hparams, typeOf }: { readonly hparams: HParams; readonly typeOf: (tensor: string) => string | undefined },
): JudgedRows {
  const typeOfStage = (stage: StageId, layer: number | undefined): string => {
    const [role] = stageIn(hparams, stage, layer).weights;
    return role === undefined ? '' : (typeOf(weightName(role, layer, hparams)) ?? '');
  };
  const naming = nameArithmetics(errors, ({ row }) => ({
    operation: operationName(stageIn(hparams, row.stage, row.layer)),
    type: typeOfStage(row.stage, row.layer),
  }));
  const wrong = new Map(naming.unexplained.map((found) => [found.error, found] as const));
  const rows = errors.map((error) => judgedRow(error, wrong.get(error), naming.of.get(error)));
  return { arithmetics: naming.arithmetics, rows };
}

/** What a judgement calls operations that have another name since its schema was made. */
const OLDER_NAMES: Readonly<Partial<Record<StageSpec['operation'], string>>> = {
  linear: 'matmul',
  'expert-linear': 'expert-matmul',
  'attention-scores': 'attn-scores',
  'attention-values': 'attn-values',
  normalise: 'renormalise',
};

function operationName({ operation, shape }: StageSpec): string {
  if (operation === 'softmax' && shape.includes('nKeys')) return 'attn-softmax';
  if (operation === 'rmsnorm' && shape.length === 3) return 'head-rmsnorm';
  return OLDER_NAMES[operation] ?? operation;
}

/** The row with its ratio in the arithmetic that it is judged by. */
function judgedRow(
  { row: inF32, ratios, held }: LocalError,
  wrong: Unexplained | undefined,
  arithmetic: ArithmeticId | undefined,
): Row {
  if ((inF32.verdict !== 'match' && inF32.verdict !== 'diverge') || ratios.size === 0) return inF32;
  const row = heldTo(inF32, held?.get(wrong === undefined ? (arithmetic ?? 'f32') : (wrong.arithmetic ?? 'f32')));
  if (wrong === undefined) {
    const maxRatio = arithmetic === undefined ? row.maxRatio : ratioWithin(ratios, arithmetic);
    return {
      // The estimate is one of f32 sums: it says nothing of an arithmetic that rounds more.
      ...(arithmetic === undefined || arithmetic === 'f32' ? row : without(row, 'maxEstimate')),
      verdict: 'match',
      ...(arithmetic === undefined ? {} : { arithmetic }),
      ...(maxRatio === undefined ? {} : { maxRatio }),
    };
  }
  // Wrong in any arithmetic, or coarser than its sisters.
  const maxRatio = wrong.arithmetic === undefined ? wrong.leastRatio : ratioWithin(ratios, wrong.arithmetic);
  return {
    ...without(row, 'maxEstimate'),
    verdict: 'diverge',
    maxRatio,
    ...(wrong.arithmetic === undefined ? {} : { arithmetic: wrong.arithmetic }),
  };
}

/** The row with its single values held to another bound than f32's. */
function heldTo(row: Row, values: HeldValues | undefined): Row {
  if (values === undefined) return row;
  return { ...without(row, 'perPositionRatio', 'ratios', 'maxRatioIndex', 'maxRatioValues'), ...values };
}
