import { useMemo, type ReactElement } from 'react';
import { findStage, stageSpec } from '../../model/stages';
import { drawFormula } from '../../plots/formula';
import type { MapData } from '../../plots/map/map-types';
import type { Place } from '../../plots/select-walk';
import { Scene } from '../Scene';
import { useActions } from '../use-app';
import { useFigureWidth } from '../use-figure-width';
import { useMapTheme } from '../use-theme';

/** How the stage is computed; a click on an input goes there. */
export function FormulaPanel(props: {
  readonly data: MapData;
  readonly place: Place;
  readonly expert: number | undefined;
}): ReactElement {
  const { data, place, expert } = props;
  const { layer, stage } = place;
  const theme = useMapTheme();
  const { select } = useActions();
  const { ref, width } = useFigureWidth();
  const node = useMemo(
    () => (width === 0 ? undefined : drawFormula(data, { layer, stage, expert }, width, theme)),
    [data, layer, stage, expert, width, theme],
  );
  return (
    <div
      ref={ref}
      className="formula-panel"
      role="img"
      aria-label={`How ${stageSpec(stage).title} is computed`}
      onClick={(event) => {
        const target = event.target instanceof Element ? event.target.closest('[data-go]') : null;
        const [to = '', name = ''] = (target?.getAttribute('data-go') ?? '').split('/');
        const found = findStage(name);
        if (found !== undefined) {
          select({ layer: to === '' ? undefined : Number(to), stage: found, position: place.position });
        }
      }}
    >
      {node === undefined ? null : <Scene node={node} />}
    </div>
  );
}
