import { LAYER_INPUT } from '../../arch/graph';
import { locationKey } from '../../model/location';
import { isBeforeLayers, stageSpec, STAGES, type StageId } from '../../model/stages';
import { rowIndex } from '../trace-index';
import { firstPlace, type TraceView } from '../trace-view';
import { binOfRow, l2Limit, type Bin, type Measure } from './measure';
import type { Group, MapData, MapRow } from './map-types';
import { shadowOf } from './shadow';

/** The rows of a trace's own stages, in forward order: what its architecture has, whatever it is. */
export function mapRows(view: TraceView): readonly MapRow[] {
  const { stages } = rowIndex(view.rows);
  const rows: MapRow[] = [];
  let group: Group = 'attention';
  for (const { id, scope } of STAGES) {
    if (scope !== 'layer' || !stages.has(id)) continue;
    const { title, headline, operation, shape, inputs } = stageSpec(id);
    if (operation === 'expert-linear') group = 'experts';
    else if (group === 'experts' && !shape.includes('nExpertUsed')) group = 'output';
    rows.push({ stage: id, title, headline, group });
    // The residual sum ends the attention block.
    if (operation === 'add' && inputs.includes(LAYER_INPUT) && group === 'attention') group = 'router';
  }
  return rows;
}

export function mapData(view: TraceView, measure: Measure): MapData {
  const index = rowIndex(view.rows);
  const limit = l2Limit(view);
  const rows = mapRows(view);
  const whole = STAGES.filter(({ id, scope }) => scope === 'model' && index.stages.has(id)).map(({ id }): MapRow => {
    const { title, headline } = stageSpec(id);
    return { stage: id, title, headline, group: 'output' };
  });
  const first = view.verdict?.first ?? firstPlace(view);
  const judged = first !== undefined && first.mode !== 'free';
  const culprits = judged ? [first, ...(view.verdict?.others ?? [])] : [];
  const stageAt = new Map(rows.map(({ stage }, i) => [stage, i]));
  const done = view.verdict === undefined ? index.lastLayer : (view.layers.at(-1) ?? -1);
  const bins = new Map<string, Bin>();
  const data: MapData = {
    view,
    measure,
    limit,
    rows,
    layers: view.layers,
    before: whole.filter((row) => isBeforeLayers(row.stage)),
    after: whole.filter((row) => !isBeforeLayers(row.stage)),
    first,
    culprits: new Set(culprits.map((c) => locationKey(c.layer, c.stage))),
    layersDone: done,
    row: (mode, stage, layer) => index.row(mode, stage, layer),
    bin: (stage, layer) => {
      const key = locationKey(layer, stage);
      if (!bins.has(key)) {
        bins.set(key, binOfRow(index.row(measure.basis, stage, layer), measure, limit, data.blamed(stage, layer)));
      }
      return bins.get(key);
    },
    blamed: (stage, layer) =>
      data.culprits.has(locationKey(layer, stage)) || (first?.layer === layer && first?.stage === stage),
    shade: (stage, layer) => shadowOf(data, stageAt, stage, layer),
  };
  return data;
}

/** Every place that is wrong by itself in the page's measure, in forward order; where nothing can be blamed, that parts. */
export function wrongPlaces(data: MapData): readonly { readonly layer: number | undefined; readonly stage: StageId }[] {
  const { view, measure } = data;
  const index = rowIndex(view.rows);
  const basis = measure.basis;
  const wrong = (stage: StageId, layer: number | undefined): boolean => {
    const row = index.row(basis, stage, layer);
    if (row === undefined) return false;
    // What both sides have not finite came with their inputs.
    return row.verdict === 'diverge' || row.verdict === 'nan-gpu' || row.verdict === 'nan-cpu';
  };
  return [
    ...data.before.map(({ stage }) => ({ layer: undefined, stage })),
    ...data.layers.flatMap((layer) => data.rows.map(({ stage }) => ({ layer, stage }))),
    ...data.after.map(({ stage }) => ({ layer: undefined, stage })),
  ].filter(({ layer, stage }) => data.blamed(stage, layer) || wrong(stage, layer));
}
