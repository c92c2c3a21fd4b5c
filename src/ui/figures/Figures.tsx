import { memo, useDeferredValue, type ReactElement } from 'react';
import type { TraceView } from '../../plots/trace-view';
import { Later } from '../Later';
import { ContinuePanel } from './ContinuePanel';
import { DivergenceFigures } from './DivergenceFigures';
import { HeatFigure } from './HeatFigure';
import { InspectorPanel } from './InspectorPanel';
import { PoisonPanel } from './PoisonPanel';
import { RatioFigure } from './RatioFigure';
import { RoutingSection } from './RoutingSection';
import { StageTable } from './StageTable';
import { TopTokens } from './TopTokens';

/** Everything that a trace shows. Drawn behind what a person does: while results stream in, keys and buttons answer first. */
export function Figures({ view }: { readonly view: TraceView }): ReactElement {
  return <AllFigures view={useDeferredValue(view)} />;
}

/** From the whole to the single value. */
const AllFigures = memo(function AllFigures({ view }: { readonly view: TraceView }): ReactElement {
  const alone = view.verdict !== undefined && view.rows.length === 0;
  return (
    <>
      {alone ? (
        <p className="why">One arm ran alone: there is nothing to compare, so no divergence is shown.</p>
      ) : (
        <DivergenceFigures view={view} />
      )}
      <Later>
        {alone ? null : <PoisonPanel view={view} />}
        {alone ? null : <HeatFigure view={view} />}
        {alone ? null : <InspectorPanel view={view} />}
        {alone ? null : <RatioFigure view={view} />}
        <RoutingSection view={view} />
        <div className="speech">
          <ContinuePanel view={view} />
          <TopTokens />
        </div>
        {alone ? null : <StageTable view={view} />}
      </Later>
    </>
  );
});
