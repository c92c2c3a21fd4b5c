import { memo, useCallback, useDeferredValue, useId, type ReactElement } from 'react';
import { formatBytes, formatMetric, plural } from '../../base/format';
import type { TapSlice } from '../../divergence/tap-slice';
import { stageSpec } from '../../model/stages';
import { axisNames, expertSets, indexWords, sliceSummary, valueText } from '../../plots/select-slice';
import type { Place } from '../../plots/select-walk';
import { errorHistogram, ratioHistogram, sliceProfile, valueHistogram } from '../../plots/slice-plots';
import { rowIndex } from '../../plots/trace-index';
import { armTitle, type TraceView } from '../../plots/trace-view';
import type { Inspection } from '../../store/inspection';
import { ErrorDetail } from '../ErrorNotice';
import { MeasuredScene } from '../MeasuredScene';
import { useActions, useApp } from '../use-app';

/** Both arms' values at the place in hand; where they are not at hand, why, and what would bring them. */
export function TensorValues({ view, place }: { readonly view: TraceView; readonly place: Place }): ReactElement {
  const inspection = useDeferredValue(useApp((s) => s.inspection));
  const answer = inspection?.answer;
  return (
    <div className="tensor" data-testid="tensor">
      {inspection === undefined ? (
        <NotHere view={view} place={place} />
      ) : answer?.kind === 'slice' ? (
        <SliceView view={view} slice={answer.slice} />
      ) : (
        <NotKept inspection={inspection} view={view} place={place} />
      )}
      {answer === undefined ? null : (
        <p className="note">
          {answer.usage.dropped === 0
            ? `Every tensor of this run is at hand: ${formatBytes(answer.usage.bytes)} of at most ${formatBytes(answer.usage.budget)}.`
            : `${plural(answer.usage.kept, 'tensor')} of this run at hand, ${formatBytes(answer.usage.bytes)} of at most ${formatBytes(answer.usage.budget)}; ${plural(answer.usage.dropped, 'tensor')} given up for want of room.`}
        </p>
      )}
    </div>
  );
}

const SliceView = memo(function SliceView(props: { readonly view: TraceView; readonly slice: TapSlice }): ReactElement {
  const { view, slice } = props;
  const caption = useId();
  const [underTest, reference] = [armTitle(view.arms[0]), armTitle(view.arms[1])];
  const drawRatios = useCallback(
    (width: number) =>
      slice.ratios === undefined ? errorHistogram(slice.errors, width) : ratioHistogram(slice.ratios, width),
    [slice],
  );
  const drawValues = useCallback((width: number) => valueHistogram(slice, width), [slice]);
  const drawProfile = useCallback((width: number) => sliceProfile(slice, width), [slice]);
  const measure = slice.ratios === undefined ? 'error' : 'error ÷ bound';
  if (slice.experts !== undefined) return <ExpertSets view={view} experts={slice.experts} />;
  return (
    <>
      <WorstValues slice={slice} underTest={underTest} reference={reference} />
      <figure aria-labelledby={caption} className="slice-plots">
        <figcaption id={caption} className="visually-hidden">
          Values of {stageSpec(slice.stage).title}, token {slice.position}: {sliceSummary(slice)}; largest {measure}{' '}
          {formatMetric(slice.worst[0]?.ratio ?? slice.worst[0]?.error)}.
        </figcaption>
        <div className="two">
          <div>
            <h3>{measure}, how many values</h3>
            <MeasuredScene draw={drawRatios} kind="part" />
          </div>
          <div>
            <h3>
              Values: {reference} filled, {underTest} outlined
            </h3>
            <MeasuredScene draw={drawValues} kind="part" />
          </div>
        </div>
        <h3>
          Largest {measure} along the tensor{' '}
          <span>
            {sliceSummary(slice)}
            {slice.profile.stretch > 1 ? `, ${String(slice.profile.stretch)} a bar` : ''}
          </span>
        </h3>
        <MeasuredScene draw={drawProfile} kind="profile" />
      </figure>
    </>
  );
});

function WorstValues(props: {
  readonly slice: TapSlice;
  readonly underTest: string;
  readonly reference: string;
}): ReactElement {
  const { slice, underTest, reference } = props;
  const bounded = slice.ratios !== undefined;
  return (
    <div className="scroll worst" tabIndex={0} role="region" aria-label="Worst values">
      <table>
        <caption className="visually-hidden">The values with the largest {bounded ? 'error ÷ bound' : 'error'}</caption>
        <thead>
          <tr>
            {axisNames(slice).map((name, i) => (
              <th scope="col" key={i}>
                {name}
              </th>
            ))}
            <th scope="col">{underTest}</th>
            <th scope="col">{reference}</th>
            <th scope="col">error</th>
            {bounded ? (
              <>
                <th scope="col">bound</th>
                <th scope="col">error ÷ bound</th>
              </>
            ) : null}
          </tr>
        </thead>
        <tbody>
          {slice.worst.slice(0, 8).map((value) => (
            <tr key={value.index.join()}>
              {indexWords(slice, value).map((word, i) => (
                <td key={i}>{word}</td>
              ))}
              <td>{valueText(value.a)}</td>
              <td>{valueText(value.b)}</td>
              <td>{formatMetric(value.error)}</td>
              {bounded ? (
                <>
                  <td>{formatMetric(value.bound)}</td>
                  <td className={value.ratio !== undefined && value.ratio <= 1 ? undefined : 'bad'}>
                    {formatMetric(value.ratio)}
                  </td>
                </>
              ) : null}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function ExpertSets(props: {
  readonly view: TraceView;
  readonly experts: NonNullable<TapSlice['experts']>;
}): ReactElement {
  const { both, onlyA, onlyB } = expertSets(props.experts);
  return (
    <p className="sets">
      Both arms chose experts {both.join(', ') || 'none'}
      {onlyB.length === 0 ? '' : `; ${armTitle(props.view.arms[1])} only: ${onlyB.join(', ')}`}
      {onlyA.length === 0 ? '' : `; ${armTitle(props.view.arms[0])} only: ${onlyA.join(', ')}`}.
    </p>
  );
}

/** Captured and given up, or never captured. */
function NotKept(props: {
  readonly inspection: Inspection;
  readonly view: TraceView;
  readonly place: Place;
}): ReactElement {
  const { inspection, view, place } = props;
  const { fetchTaps } = useActions();
  const { answer, fetching, error } = inspection;
  if (answer === undefined && error === undefined) return <p className="note">Asking for the values…</p>;
  const layers = place.layer === undefined ? 'the whole prompt' : `layers 0 to ${String(place.layer)}`;
  return (
    <>
      {answer?.kind === 'dropped' ? (
        <>
          <p className="note">
            These {formatBytes(answer.bytes)} were not kept: the run’s tensors do not all fit, and the routing and the
            headline stages come first.
          </p>
          <p className="verbs">
            <button type="button" className="button quiet" disabled={fetching} onClick={() => void fetchTaps()}>
              {fetching ? `Running ${layers} again…` : `Have them back: run ${layers} again`}
            </button>
          </p>
        </>
      ) : (
        <p className="note">This run did not capture the stage at this token on both arms.</p>
      )}
      {error === undefined ? null : (
        <div className="problem mild">
          <p>{error.message}</p>
          <ErrorDetail error={error} />
          <p>{error.remedy}</p>
        </div>
      )}
      <RowDistribution view={view} place={place} />
    </>
  );
}

/** A trace that was read, not run here: the report knows numbers, not tensors. */
function NotHere({ view, place }: { readonly view: TraceView; readonly place: Place }): ReactElement {
  const running = useApp((s) => s.phase === 'running');
  return (
    <>
      <p className="note">
        {running
          ? 'Single values can be looked at when the run has ended.'
          : 'This trace was recorded: its numbers are here, its tensors are not. After a run on this page, single values of both arms show here.'}
      </p>
      <RowDistribution view={view} place={place} />
    </>
  );
}

/** The distribution over the whole row, which a report carries. */
function RowDistribution({ view, place }: { readonly view: TraceView; readonly place: Place }): ReactElement | null {
  const ratios = rowIndex(view.rows).row('isolated', place.stage, place.layer)?.ratios;
  const caption = useId();
  const draw = useCallback((width: number) => ratioHistogram(ratios ?? [], width), [ratios]);
  if (ratios === undefined) return null;
  return (
    <figure aria-labelledby={caption} className="slice-plots">
      <h3>Error ÷ bound over all tokens, how many values</h3>
      <MeasuredScene draw={draw} kind="profile" />
      <figcaption id={caption} className="visually-hidden">
        Distribution of error ÷ bound of {stageSpec(place.stage).title} over all tokens.
      </figcaption>
    </figure>
  );
}
