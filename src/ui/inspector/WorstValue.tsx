import { useDeferredValue, type ReactElement } from 'react';
import { formatBytes, formatMetric, plural } from '../../base/format';
import type { CaptureSlice } from '../../divergence/capture-slice';
import { stageSpec } from '../../model/stages';
import { humanNumber } from '../../plots/map/human-number';
import type { MapData } from '../../plots/map/map-types';
import { indexText } from '../../plots/place-state';
import { axisNames, expertSets, indexWords, valueText, worstError } from '../../plots/select-slice';
import type { Place } from '../../plots/select-walk';
import type { Inspection } from '../../store/inspection';
import { ErrorDetail } from '../ErrorNotice';
import { Human } from '../face/Words';
import { Term } from '../face/Term';
import { useActions, useApp } from '../use-app';

/** Both values of the same element, the worst of the stage; and of the token in hand, where this run's tensors are at hand. */
export function WorstValue({ data, place }: { readonly data: MapData; readonly place: Place }): ReactElement | null {
  const hovering = useApp((s) => s.hover !== undefined);
  const inspection = useDeferredValue(useApp((s) => s.inspection));
  const { measure, view } = data;
  const row = data.row(measure.basis, place.stage, place.layer);
  const slice = inspection?.answer?.kind === 'slice' && !hovering ? inspection.answer.slice : undefined;
  if (stageSpec(place.stage).values === 'index') {
    return slice?.experts === undefined ? null : <ExpertSets experts={slice.experts} />;
  }
  const isRatio = measure.unit === 'ratio';
  const values = isRatio ? row?.maxRatioValues : row?.maxAbsValues;
  const index = isRatio ? row?.maxRatioIndex : row?.maxAbsIndex;
  const [candidate, reference] = view.sides;
  if (row === undefined || row.count === 0) return null;
  const wrong = !Number.isFinite(values?.a ?? 0) || (isRatio && !((row.maxRatio ?? 0) <= 1));
  return (
    <section className="part" data-testid="tensor">
      <h3>
        <span>the worst value</span>
        <span>{index === undefined ? '' : indexText(view, place, index, measure.basis)}</span>
      </h3>
      <table className="pairs-table">
        <tbody>
          {values === undefined ? (
            <>
              <Line name="largest error of the stage" value={<Human value={humanNumber(row.maxAbs)} />} />
              <Line name="its values are about" value={<Human value={humanNumber(row.rms)} />} />
            </>
          ) : (
            <>
              <Line name={candidate} value={valueText(values.a)} wrong={wrong} />
              <Line name={reference} value={valueText(values.b)} />
              <Line name="error" value={<Human value={humanNumber(worstError(row, isRatio))} />} />
              {values.bound === undefined ? null : (
                <Line name={<Term id="bound">bound</Term>} value={<Human value={humanNumber(values.bound)} />} />
              )}
            </>
          )}
        </tbody>
      </table>
      {slice === undefined ? null : <SliceValues slice={slice} sides={view.sides} />}
      {inspection === undefined || hovering ? null : <NotKept inspection={inspection} place={place} />}
    </section>
  );
}

function Line(props: {
  readonly name: ReactElement | string;
  readonly value: ReactElement | string;
  readonly wrong?: boolean;
}): ReactElement {
  return (
    <tr>
      <th scope="row">{props.name}</th>
      <td className={props.wrong === true ? 'wrong' : undefined}>{props.value}</td>
    </tr>
  );
}

/** The worst values of the token in hand. */
function SliceValues({
  slice,
  sides,
}: {
  readonly slice: CaptureSlice;
  readonly sides: readonly [string, string];
}): ReactElement {
  const bounded = slice.ratios !== undefined;
  return (
    <details className="values">
      <summary>worst values of token {slice.position}</summary>
      <div className="scroll" tabIndex={0} role="region" aria-label="Worst values">
        <table>
          <thead>
            <tr>
              {axisNames(slice).map((name, i) => (
                <th scope="col" key={i}>
                  {name}
                </th>
              ))}
              <th scope="col">{sides[0]}</th>
              <th scope="col">{sides[1]}</th>
              <th scope="col">{bounded ? 'error ÷ bound' : 'error'}</th>
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
                <td className={bounded && !((value.ratio ?? 0) <= 1) ? 'wrong' : undefined}>
                  {formatMetric(bounded ? value.ratio : value.error)}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </details>
  );
}

function ExpertSets({ experts }: { readonly experts: NonNullable<CaptureSlice['experts']> }): ReactElement {
  const { both, onlyA, onlyB } = expertSets(experts);
  return (
    <p className="sets">
      Both sides chose experts {both.join(', ') || 'none'}
      {onlyB.length === 0 ? '' : `; the reference alone: ${onlyB.join(', ')}`}
      {onlyA.length === 0 ? '' : `; the candidate alone: ${onlyA.join(', ')}`}.
    </p>
  );
}

/** What became of the run's tensors at this place. */
function NotKept({
  inspection,
  place,
}: {
  readonly inspection: Inspection;
  readonly place: Place;
}): ReactElement | null {
  const { fetchCaptures } = useActions();
  const { answer, fetching, error } = inspection;
  if (answer?.kind === 'slice') {
    const { kept, dropped, bytes } = answer.usage;
    const all = dropped === 0 ? 'Every tensor of this run is at hand' : `${plural(kept, 'tensor')} of this run at hand`;
    return <p className="note">{`${all}: ${formatBytes(bytes)}.`}</p>;
  }
  const layers = place.layer === undefined ? 'the whole prompt' : `layers 0 to ${String(place.layer)}`;
  return (
    <>
      {answer?.kind === 'dropped' ? (
        <p className="note">
          These {formatBytes(answer.bytes)} were not kept: not all of the run’s tensors fit.{' '}
          <button type="button" className="link" disabled={fetching} onClick={() => void fetchCaptures()}>
            {fetching ? `Running ${layers} again…` : `Have them back: run ${layers} again`}
          </button>
        </p>
      ) : null}
      {error === undefined ? null : (
        <div className="problem mild">
          <p>{error.message}</p>
          <ErrorDetail error={error} />
          <p>{error.remedy}</p>
        </div>
      )}
    </>
  );
}
