import type { ModelGraph } from '../../arch/graph';
import type { BoundGraph } from '../../arch/bind';
import type { StepOptions } from '../../model/engine';
import type { StageId } from '../../model/stages';
import type { RopeAttrs, RopeFactors, RopeTable } from '../../ops/rope/exact';
import type { Yielder } from '../../base/yielder';
import type { WeightAccess } from './weight-access';

/** One step in the making. */
export interface Step {
  readonly graph: ModelGraph;
  readonly bound: BoundGraph;
  readonly tokens: Uint32Array<ArrayBuffer>;
  /** Position of the first token. */
  readonly nPast: number;
  readonly options: StepOptions;
  readonly weights: WeightAccess;
  /** Rotary angles of each token. */
  readonly angles: (attrs: RopeAttrs, factors: RopeFactors) => readonly RopeTable[];
  readonly pause: Yielder;
}

/** The positions that a stage is to be captured at. */
export function capturedPositions({ options }: Pick<Step, 'options'>, stage: string): readonly number[] {
  for (const [id, positions] of options.capture) if (sameId(id, stage)) return positions;
  return [];
}

function sameId(id: StageId, stage: string): boolean {
  return id === stage;
}
