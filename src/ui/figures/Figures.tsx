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
  return (
    <>
      <DivergenceFigures view={view} />
      <HeatFigure view={view} />
      <div className={wide ? 'pair wide' : 'pair'}>
        <RoutingFigure view={view} />
        <div>
          <DetailPanel view={view} />
          <TopTokens />
        </div>
      </div>
      <StageTable view={view} />
    </>
  );
}
