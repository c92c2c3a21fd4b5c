import { lazy, memo, Suspense, useDeferredValue, type ReactElement } from 'react';
import type { TraceView } from '../../plots/trace-view';
import type { DeeperFigures as Deeper } from './DeeperFigures';
import { DivergenceFigures } from './DivergenceFigures';

let deeper: Promise<{ readonly default: typeof Deeper }> | undefined;

/** Fetches what stands below the first figure, beside the trace; without it that would wait until the first figure is drawn. */
export function fetchDeeperFigures(): Promise<{ readonly default: typeof Deeper }> {
  deeper ??= import('./DeeperFigures').then((module) => ({ default: module.DeeperFigures }));
  return deeper;
}

const DeeperFigures = lazy(fetchDeeperFigures);

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
      <Suspense fallback={null}>
        <DeeperFigures view={view} alone={alone} />
      </Suspense>
    </>
  );
});
