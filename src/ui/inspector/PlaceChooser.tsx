import { useMemo, type ReactElement } from 'react';
import { visibleToken } from '../../base/format';
import { SHOWN_STAGES, stageSpec } from '../../model/stages';
import type { Place } from '../../plots/select-walk';
import { rowIndex } from '../../plots/trace-index';
import type { TraceView } from '../../plots/trace-view';
import { useActions } from '../use-app';

const ANY = 'any';

/** The selected location as three fields, for keyboard use. */
export function PlaceChooser({ view, place }: { readonly view: TraceView; readonly place: Place }): ReactElement {
  const { select } = useActions();
  const change = (to: (from: Place) => Partial<Place>): void => {
    select({ ...place, ...to(place) });
  };
  const { stages } = rowIndex(view.rows);
  const whole = stageSpec(place.stage).scope === 'model';
  const lastLayer = view.layers[view.layers.length - 1];
  // Hundreds of them, and the same for every place.
  const layerOptions = useMemo(
    () =>
      view.layers.map((layer) => (
        <option key={layer} value={layer}>
          layer {layer}
        </option>
      )),
    [view.layers],
  );
  const tokenOptions = useMemo(
    () =>
      view.positions.map((position) => (
        <option key={position} value={position}>
          {position} {visibleToken(view.tokenTexts[position] ?? '')}
        </option>
      )),
    [view.positions, view.tokenTexts],
  );
  return (
    <>
      <select
        className="inline"
        aria-label="Layer"
        value={place.layer ?? ANY}
        disabled={whole}
        onChange={(event) => {
          const layer = Number(event.currentTarget.value);
          change(() => ({ layer }));
        }}
      >
        {whole ? <option value={ANY}>whole model</option> : null}
        {layerOptions}
      </select>
      <select
        className="inline"
        aria-label="Stage"
        value={place.stage}
        onChange={(event) => {
          const stage = SHOWN_STAGES.find((id) => id === event.currentTarget.value);
          if (stage === undefined) return;
          change((from) => ({
            stage,
            layer: stageSpec(stage).scope === 'model' ? undefined : (from.layer ?? lastLayer),
          }));
        }}
      >
        {SHOWN_STAGES.filter((id) => stages.has(id)).map((id) => (
          <option key={id} value={id}>
            {stageSpec(id).title}
          </option>
        ))}
      </select>
      <select
        className="inline"
        aria-label="Token"
        value={place.position ?? ANY}
        onChange={(event) => {
          const { value } = event.currentTarget;
          change(() => ({ position: value === ANY ? undefined : Number(value) }));
        }}
      >
        <option value={ANY}>worst token</option>
        {tokenOptions}
      </select>
    </>
  );
}
