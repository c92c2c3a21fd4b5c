import { memo, type ReactElement } from 'react';
import type { TraceView } from '../../plots/trace-view';
import { Later } from '../Later';
import { ContinuePanel } from './ContinuePanel';
import { HeatFigure } from './HeatFigure';
import { InspectorPanel } from './InspectorPanel';
import { PoisonPanel } from './PoisonPanel';
import { RatioFigure } from './RatioFigure';
import { RoutingSection } from './RoutingSection';
import { StageTable } from './StageTable';
import { TopTokens } from './TopTokens';

/** What stands below the first figure, one after the other. `alone`: one arm only, nothing was compared. */
export const DeeperFigures = memo(function DeeperFigures(props: {
  readonly view: TraceView;
  readonly alone: boolean;
}): ReactElement {
  const { view, alone } = props;
  return (
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
  );
});
