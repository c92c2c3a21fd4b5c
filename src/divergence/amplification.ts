import { LAYER_INPUT } from '../arch/graph';
import { EMBEDDING, LAYER_OUTPUT } from '../model/stage-roles';
import { locationKey } from '../model/location';
import { stageIn } from '../model/graph-of';
import type { HParams } from '../model/hparams';
import type { Amplification, Row } from './report';

/**
 * Where a run that is right at every stage loses most of its digits: the stage whose free-running relative L2 is the largest multiple of that of
 * the worst of its inputs.
 * @param free free-running rows, forward order
 */
export function amplificationOf(free: readonly Row[], hparams: HParams | undefined): Amplification | undefined {
  const errors = new Map<string, number>();
  let input = 0;
  let most: Amplification | undefined;
  for (const { layer, stage, relL2 } of free) {
    if (relL2 === undefined || !Number.isFinite(relL2)) continue;
    const { inputs } = stageIn(hparams, stage, layer);
    const before = inputs.map((id) => (id === LAYER_INPUT ? input : errors.get(locationKey(layer, id))));
    const worst = before.reduce<number>((x, y) => Math.max(x, y ?? 0), 0);
    errors.set(locationKey(layer, stage), relL2);
    if (stage === EMBEDDING || stage === LAYER_OUTPUT) input = relL2;
    // One rounding of every value is the least that there is to amplify.
    const factor = relL2 / Math.max(worst, 2 ** -24);
    if (most === undefined || factor > most.factor) most = { layer, stage, factor, relL2 };
  }
  return most;
}
