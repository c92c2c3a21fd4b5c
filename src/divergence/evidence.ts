import { plural } from '../base/format';
import { stageIn } from '../model/graph-of';
import type { HParams } from '../model/hparams';
import { weightName } from '../model/weights';
import { inForwardOrder, type BlameContext } from './blame';
import type { RoutingRow, Row } from './report';

interface Evidence {
  readonly rows: readonly Row[];
  readonly routing: readonly RoutingRow[];
  readonly hparams: HParams;
  readonly inFile?: BlameContext['inFile'];
}

/** What an agreement rests on: how many experts the prompt reached, and which products show nothing because they are 0. */
export function evidenceClause({ routing, rows, hparams, inFile }: Evidence): string {
  const reached = reachedExperts(routing);
  const [least, most] = [Math.min(...reached), Math.max(...reached)];
  const all = hparams.nExpert;
  const range = least === most ? String(least) : `${least} to ${most}`;
  const experts =
    reached.length === 0
      ? ''
      : least === all
        ? `; every expert reached`
        : `; ${range} of each layer's ${plural(all, 'expert')} reached`;
  const blank = inForwardOrder(rows, 'free').filter((row) => isBlank(row, hparams));
  const [first] = blank;
  if (first === undefined) return experts;
  const [role] = stageIn(hparams, first.stage, first.layer).weights;
  const name = role === undefined ? undefined : weightName(role, first.layer, hparams);
  const tensor = name === undefined ? '' : ` (${inFile?.(name, undefined)?.name ?? name})`;
  const where = first.layer === undefined ? first.stage : `layer ${first.layer}, ${first.stage}`;
  const more = blank.length === 1 ? '' : ` and ${plural(blank.length - 1, 'more product')}`;
  return `${experts}; no evidence of ${where}${tensor}${more}: 0 throughout`;
}

/** Experts that the prompt reached, layer by layer. */
function reachedExperts(routing: readonly RoutingRow[]): readonly number[] {
  const layers = new Map<number, Set<number>>();
  for (const { layer, a, b } of routing) {
    const experts = layers.get(layer) ?? new Set<number>();
    for (const expert of (b ?? a)?.experts ?? []) experts.add(expert);
    layers.set(layer, experts);
  }
  return [...layers.values()].map((experts) => experts.size);
}

/** A product that is 0 on both sides whatever it was given: its weight is, and any kernel gets that right. */
export function isBlank({ layer, stage, count, rangeA, rangeB, nanA = 0, infA = 0 }: Row, hparams: HParams): boolean {
  return (
    stageIn(hparams, stage, layer).weights.length > 0 &&
    count > 0 &&
    rangeA?.absMax === 0 &&
    rangeB?.absMax === 0 &&
    nanA + infA === 0
  );
}
