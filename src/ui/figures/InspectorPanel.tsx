import { useId, useMemo, useRef, type ReactElement } from 'react';
import { selectDetail } from '../../plots/select-detail';
import type { TraceView } from '../../plots/trace-view';
import { Later } from '../Later';
import { Segments } from '../Segments';
import { useActions, useApp, useFollowed } from '../use-app';
import { DetailTable } from './DetailTable';
import { PlaceChooser } from './PlaceChooser';
import { TensorValues } from './TensorValues';
import { RUN_WAYS } from './run-ways';

/** One stage of one layer at one token: what the report knows of it and, where they are at hand, both arms' values. */
export function InspectorPanel({ view }: { readonly view: TraceView }): ReactElement | null {
  const section = useRef<HTMLElement>(null);
  const { place } = useFollowed(section);
  const mode = useApp((s) => s.tensorMode);
  const { setTensorMode } = useActions();
  const atHand = useApp((s) => s.inspection?.answer?.kind === 'slice');
  const heading = useId();
  const detail = useMemo(() => (place === undefined ? undefined : selectDetail(view, place)), [view, place]);
  if (place === undefined || detail === undefined) return null;
  return (
    <section className="inspector" aria-labelledby={heading} data-testid="inspector" ref={section}>
      <Later first={1}>
        <div className="figure-head">
          <h2 id={heading}>{detail.heading}</h2>
          <div className="figure-tools">
            <PlaceChooser view={view} place={place} />
            <Segments label="Way of running, tensor" value={mode} options={RUN_WAYS} onChange={setTensorMode} />
          </div>
        </div>
        <>
          {detail.tensor === undefined ? null : (
            <p className="why">
              reads <code>{detail.tensor}</code>
            </p>
          )}
          <div className={atHand ? 'inspector-body' : 'inspector-body numbers-only'}>
            <TensorValues view={view} place={place} />
            <DetailTable detail={detail} />
          </div>
        </>
      </Later>
    </section>
  );
}
