import type { ReactElement } from 'react';
import { formatMetric, visibleToken } from '../../base/format';
import { binAtPosition, hasPositions, valueAtPosition, type Measure } from '../../plots/map/measure';
import { colourOf } from '../../plots/map/draw-cells';
import type { MapData } from '../../plots/map/map-types';
import { tokenName } from '../../plots/place-state';
import type { Place } from '../../plots/select-walk';
import { MANY_TOKENS } from '../../plots/tabs/tabs';
import { useActions } from '../use-app';
import { useMapTheme } from '../use-theme';

const BASES = { local: 'local', isolated: 'isolated', free: 'free-running' } as const;
const FEW = 4;

/** This stage, token by token; of long prompts the worst. */
export function TokenChips({ data, place }: { readonly data: MapData; readonly place: Place }): ReactElement | null {
  const theme = useMapTheme();
  const { select } = useActions();
  const { view } = data;
  const wishes: readonly Measure[] = [data.measure, { ...data.measure, unit: 'l2' }, { basis: 'free', unit: 'l2' }];
  const rowOf = (measure: Measure) => data.row(measure.basis, place.stage, place.layer);
  const measure = wishes.find((wish) => hasPositions(rowOf(wish), wish.unit));
  if (measure === undefined) return null;
  const row = rowOf(measure);
  const all = view.positions.map((position, i) => ({
    position,
    value: valueAtPosition(row, measure.unit, i),
    bin: binAtPosition(row, measure, data.limit, i, data.blamed(place.stage, place.layer)),
  }));
  const shown = all.length <= MANY_TOKENS ? all : [...all].sort((x, y) => rank(y.value) - rank(x.value)).slice(0, FEW);
  return (
    <section className="part">
      <h3>
        <span>{all.length <= MANY_TOKENS ? 'this stage, token by token' : 'worst tokens here'}</span>
        <span>
          {measure.unit === 'ratio' ? 'error ÷ bound' : 'relative L2'}, {BASES[measure.basis]}
        </span>
      </h3>
      <div className="token-chips" role="group" aria-label="Tokens of this stage">
        {shown.map(({ position, value, bin }) => {
          const colour = bin === 'nonfinite' ? theme.stripe[0] : colourOf(bin, 'none', theme);
          const says = value === undefined ? 'no expert in common' : formatMetric(value);
          return (
            <button
              key={position}
              type="button"
              aria-pressed={position === place.position}
              title={`token ${String(position)}: ${says}`}
              style={{ borderBottomColor: colour ?? 'transparent' }}
              onClick={() => {
                select({ ...place, position });
              }}
            >
              {all.length <= MANY_TOKENS ? visibleToken(view.tokenTexts[position] ?? '') : tokenName(view, position)}
              <span className="visually-hidden">
                , token {position}: {says}
              </span>
              {all.length <= MANY_TOKENS ? null : <small> {says}</small>}
            </button>
          );
        })}
      </div>
    </section>
  );
}

/** What is not finite first, what was not compared last. */
function rank(value: number | undefined): number {
  if (value === undefined) return -1;
  return Number.isFinite(value) ? value : Infinity;
}
