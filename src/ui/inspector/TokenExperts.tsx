import { useMemo, type ReactElement } from 'react';
import { stageSpec } from '../../model/stages';
import { drawTokenExperts } from '../../plots/token-experts';
import { humanNumber } from '../../plots/map/human-number';
import type { MapData } from '../../plots/map/map-types';
import { placeState, tokenName } from '../../plots/place-state';
import type { Place } from '../../plots/select-walk';
import { routingIndex } from '../../plots/trace-index';
import { Human } from '../face/Words';
import { Term } from '../face/Term';
import { Scene } from '../Scene';
import { useFigureWidth } from '../use-figure-width';
import { useMapTheme } from '../use-theme';

/** The experts of the token in hand, by weight. */
export function TokenExperts(props: {
  readonly data: MapData;
  readonly place: Place;
  readonly expert: number | undefined;
}): ReactElement | null {
  const { data, place, expert } = props;
  const theme = useMapTheme();
  const { ref, width } = useFigureWidth();
  const { layer, stage, position } = place;
  const group = data.rows.find((row) => row.stage === stage)?.group;
  const choice =
    layer === undefined
      ? undefined
      : routingIndex(data.view.routing)
          .layer(layer)
          .find((row) => row.position === position);
  const hot = placeState(data, place).wrong && stageSpec(stage).shape.includes('nExpertUsed') ? expert : undefined;
  const node = useMemo(
    () => (width === 0 || choice === undefined ? undefined : drawTokenExperts(choice, hot, width, theme)),
    [choice, hot, width, theme],
  );
  if (choice === undefined || position === undefined || group === undefined || group === 'attention') return null;
  const flipped =
    choice.a !== undefined && choice.b !== undefined && choice.a.experts.some((e) => !choice.b?.experts.includes(e));
  const lists = [choice.b, choice.a].map((side) => side?.experts.join(', '));
  return (
    <section className="part">
      <h3>
        <span>
          experts of token <code>{tokenName(data.view, position)}</code>
        </span>
        <span>
          {flipped ? (
            <Term id="flip" className="term flipped">
              flipped
            </Term>
          ) : (
            <>
              margin <Human value={humanNumber(choice.margin)} />
            </>
          )}
        </span>
      </h3>
      <div
        ref={ref}
        role="img"
        aria-label={`Experts of the reference ${lists[0] ?? '–'}; of the candidate ${lists[1] ?? '–'}`}
      >
        {node === undefined ? null : <Scene node={node} />}
      </div>
      {flipped ? <p className="note">above: the reference, by weight; below: the candidate</p> : null}
    </section>
  );
}
