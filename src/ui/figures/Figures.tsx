import { lazy, memo, Suspense, useDeferredValue, type ReactElement } from 'react';
import type { TraceView } from '../../plots/trace-view';
import { DivergenceFigures } from './DivergenceFigures';

/** Fetched beside what the page begins with, and parsed after it. */
const DeeperFigures = lazy(async () => ({ default: (await import('./DeeperFigures')).DeeperFigures }));

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
