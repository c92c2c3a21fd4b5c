import type { ReactElement } from 'react';
import { formatCount } from '../../base/format';
import { stageSpec } from '../../model/stages';
import { humanNumber } from '../../plots/map/human-number';
import { hasBounds, valueOf } from '../../plots/map/measure';
import type { MapData } from '../../plots/map/map-types';
import { drawRuler } from '../../plots/ruler';
import type { Place } from '../../plots/select-walk';
import { Human } from '../face/Words';
import { Term } from '../face/Term';
import { Scene } from '../Scene';
import { useFigureWidth } from '../use-figure-width';
import { useMapTheme } from '../use-theme';
import { judgedBasis } from './judged-basis';

/** Error over bound of all values of the stage; nothing where nothing has a bound. */
export function RulerPanel({ data, place }: { readonly data: MapData; readonly place: Place }): ReactElement | null {
  const theme = useMapTheme();
  const { ref, width } = useFigureWidth();
  const basis = judgedBasis(data.view, data.measure.basis);
  const row = basis === undefined ? undefined : data.row(basis, place.stage, place.layer);
  const largest = valueOf(row, 'ratio');
  const node = width === 0 ? undefined : drawRuler(row?.ratios, largest, width, theme);
  if (basis === undefined || !hasBounds(data.view, basis) || stageSpec(place.stage).values === 'index') return null;
  if (row === undefined || largest === undefined) return null;
  const over = !(largest <= 1);
  return (
    <section className="part">
      <h3>
        <span>
          <Term id="bound">error ÷ bound</Term>, all {formatCount(row.count)} values
        </span>
        <b className={over ? 'wrong' : undefined}>
          <Human value={humanNumber(largest)} />
          {over && Number.isFinite(largest) ? ' ×' : ''}
        </b>
      </h3>
      <div ref={ref} role="img" aria-label="How many values have which share of their bound">
        {node === undefined ? null : <Scene node={node} />}
      </div>
    </section>
  );
}
