import type { Row } from '../divergence/report';
import { stageNode } from '../model/graph-of';
import type { HParams } from '../model/hparams';
import type { StageId } from '../model/stages';
import { termsOf } from '../model/weights';
import { ARITHMETICS, boundFactor, fromMostExact, type ArithmeticId, type NamedEntry } from './arithmetics';

/** What of a row depends on the bound that its values are held to. */
export type HeldValues = Pick<Row, 'perPositionRatio' | 'ratios' | 'maxRatioIndex' | 'maxRatioValues'>;

/** A stage's rows against values whose rounding was emulated. */
export type EmulatedRows = ReadonlyMap<ArithmeticId, Row>;

const ALL: readonly NamedEntry[] = ARITHMETICS;

/** Largest error over the bound of each arithmetic that a stage can be of, the most exact first. */
export function ratiosOf(
  row: Row,
  emulated: EmulatedRows,
  positions: readonly number[],
  hparams: HParams,
): ReadonlyMap<ArithmeticId, number> {
  const ratios = new Map<ArithmeticId, number>();
  if (row.maxRatio === undefined) return ratios;
  const terms = sumLength(row.stage, hparams);
  if (terms === undefined) return ratios.set('f32', row.maxRatio);
  const longest = positions.reduce((most, at) => Math.max(most, terms(at)), 0);
  for (const arithmetic of fromMostExact(longest)) {
    const held = arithmetic.emulates === undefined ? row : emulated.get(arithmetic.id);
    if (held?.maxRatio === undefined) continue;
    ratios.set(
      arithmetic.id,
      scaled(held, positions, (at) => boundFactor(arithmetic, terms(at))),
    );
  }
  return ratios;
}

/** The largest ratio, each position's divided by its own factor. */
function scaled(row: Row, positions: readonly number[], factor: (position: number) => number): number {
  const perPosition = row.perPositionRatio;
  if (perPosition === undefined) return (row.maxRatio ?? NaN) / factor(positions[0] ?? 0);
  return perPosition.reduce<number>((most, ratio, i) => {
    if (ratio === undefined) return most;
    const value = ratio / factor(positions[i] ?? 0);
    return Number.isNaN(value) || value > most ? value : most;
  }, 0);
}

/** The row's single values in each arithmetic that the stage can be of. How values are spread is known of f32's bound and of the emulated ones. */
export function heldValues(
  row: Row,
  emulated: EmulatedRows,
  positions: readonly number[],
  hparams: HParams,
): ReadonlyMap<ArithmeticId, HeldValues> {
  const held = new Map<ArithmeticId, HeldValues>();
  const terms = sumLength(row.stage, hparams);
  if (row.maxRatio === undefined || terms === undefined) return held;
  for (const arithmetic of ALL) {
    if (arithmetic.id === 'f32') continue;
    if (arithmetic.emulates !== undefined) {
      const rows = emulated.get(arithmetic.id);
      if (rows !== undefined) held.set(arithmetic.id, valuesOf(rows));
      continue;
    }
    const factor = (i: number): number => boundFactor(arithmetic, terms(positions[i] ?? 0));
    const { maxRatioIndex, maxRatioValues: worst } = row;
    const at = positions.indexOf(maxRatioIndex?.[0] ?? 0);
    held.set(arithmetic.id, {
      ...(row.perPositionRatio === undefined
        ? {}
        : {
            perPositionRatio: row.perPositionRatio.map((ratio, i) => (ratio === undefined ? ratio : ratio / factor(i))),
          }),
      ...(maxRatioIndex === undefined ? {} : { maxRatioIndex }),
      ...(worst === undefined
        ? {}
        : { maxRatioValues: worst.bound === undefined ? worst : { ...worst, bound: worst.bound * factor(at) } }),
    });
  }
  return held;
}

/** The same as the row has them. */
export function valuesOf({ perPositionRatio, ratios, maxRatioIndex, maxRatioValues }: Row): HeldValues {
  return {
    ...(perPositionRatio === undefined ? {} : { perPositionRatio }),
    ...(ratios === undefined ? {} : { ratios }),
    ...(maxRatioIndex === undefined ? {} : { maxRatioIndex }),
    ...(maxRatioValues === undefined ? {} : { maxRatioValues }),
  };
}

/** Terms of one sum of a stage, by position; undefined where it is no sum of products. */
function sumLength(stage: StageId, hparams: HParams): ((position: number) => number) | undefined {
  const terms = termsOf(stage, hparams);
  if (terms !== undefined) return () => terms;
  switch (stageNode(hparams, stage)?.op) {
    case 'attention-scores':
      return () => hparams.headDim;
    case 'attention-values':
      return (position) => position + 1;
    default:
      return undefined;
  }
}
