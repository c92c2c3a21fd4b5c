import { routerMargins } from './compare-indices';
import type { Captures } from './compare-step';
import type { RoutingChoice, RoutingRow } from './report';
import { routerRanks } from '../model/router-ranks';
import { CHOSEN_EXPERTS, ROUTER_WEIGHTS } from '../model/stage-roles';

/** Which experts each engine chose in one layer, a row a position, with the reference's margin. */
export function routingRows(layer: number, a: Captures | undefined, b: Captures | undefined): readonly RoutingRow[] {
  const indices = b?.get(CHOSEN_EXPERTS) ?? a?.get(CHOSEN_EXPERTS);
  if (indices === undefined) return [];
  const probs = routerRanks(b) ?? routerRanks(a);
  const k = indices.shape[1] ?? 0;
  const margins = probs === undefined ? undefined : routerMargins(probs, k);
  return indices.positions.map((position, row) => {
    const choiceA = choice(a, row, k);
    const choiceB = choice(b, row, k);
    const margin = margins?.[row];
    return {
      layer,
      position,
      ...(choiceA === undefined ? {} : { a: choiceA }),
      ...(choiceB === undefined ? {} : { b: choiceB }),
      ...(margin === undefined ? {} : { margin }),
    };
  });
}

function choice(captures: Captures | undefined, row: number, k: number): RoutingChoice | undefined {
  const experts = captures?.get(CHOSEN_EXPERTS);
  const weights = captures?.get(ROUTER_WEIGHTS);
  if (experts === undefined) return undefined;
  return {
    experts: [...experts.data.subarray(row * k, (row + 1) * k)],
    weights: weights === undefined ? [] : [...weights.data.subarray(row * k, (row + 1) * k)],
  };
}
