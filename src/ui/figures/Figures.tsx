import type { ReactElement } from 'react';
import type { TraceView } from '../../plots/trace-view';
import { DetailPanel } from './DetailPanel';
import { DivergenceFigures } from './DivergenceFigures';
import { HeatFigure } from './HeatFigure';
import { RoutingFigure } from './RoutingFigure';
import { StageTable } from './StageTable';
import { TopTokens } from './TopTokens';

/** Everything that a trace shows, from the whole to the single stage. */
export function Figures({ view }: { readonly view: TraceView }): ReactElement {
  const wide = view.nExpert > 24;
  const alone = view.verdict !== undefined && view.rows.length === 0;
  return (
    <>
      {alone ? (
        <p className="why">One arm ran alone: there is nothing to compare, so no divergence is shown.</p>
      ) : (
        <>
          <DivergenceFigures view={view} />
          <HeatFigure view={view} />
        </>
      )}
      <div className={wide ? 'pair wide' : 'pair'}>
        <RoutingFigure view={view} />
        <div className="details">
          <DetailPanel view={view} />
          <TopTokens />
        </div>
      </div>
      {alone ? null : <StageTable view={view} />}
    </>
  );
}
