import { useCallback, useId, type ReactElement } from 'react';
import { formatCount, formatMetric, visibleToken } from '../../base/format';
import type { Poison } from '../../divergence/report';
import { stageSpec } from '../../model/stages';
import { poisonRunUp, poisonSpread, poisonWords, runUpWords } from '../../plots/poison-plots';
import { armTitle, type TraceView } from '../../plots/trace-view';
import { MeasuredScene } from '../MeasuredScene';
import { TableTwin } from '../TableTwin';
import { useActions } from '../use-app';

/** Where values stop being finite, what led to it and what became of it, for each arm that it befell. */
export function PoisonPanel({ view }: { readonly view: TraceView }): ReactElement | null {
  const sides = [view.poison?.a, view.poison?.b].filter((poison) => poison !== undefined);
  if (sides.length === 0) return null;
  return (
    <section className="poison-panel" aria-label="Poison" data-testid="poison">
      {sides.map((poison) => (
        <PoisonSide key={poison.arm} view={view} poison={poison} alone={sides.length === 1} />
      ))}
    </section>
  );
}

function PoisonSide(props: {
  readonly view: TraceView;
  readonly poison: Poison;
  readonly alone: boolean;
}): ReactElement {
  const { view, poison, alone } = props;
  const { select } = useActions();
  const runUp = useId();
  const spread = useId();
  const drawRunUp = useCallback((width: number) => poisonRunUp(poison, width), [poison]);
  const drawSpread = useCallback((width: number) => poisonSpread(poison, width), [poison]);
  const position = poison.index[stageSpec(poison.stage).shape.indexOf('nTokens')];
  const token =
    position === undefined ? '' : `, token ${String(position)} ${visibleToken(view.tokenTexts[position] ?? '')}`;
  const last = poison.spread[poison.spread.length - 1];
  return (
    <>
      <div className="figure-head">
        <h2>Poison on the {armTitle(poison.arm)}</h2>
        <div className="figure-tools">
          <button
            type="button"
            className="link"
            onClick={() => {
              select({ layer: poison.layer, stage: poison.stage, position });
            }}
          >
            Look at where it begins
          </button>
        </div>
      </div>
      <p className="why">
        {poisonWords(poison)}
        {token}. {runUpWords(poison)}
        {alone ? ` The ${armTitle(other(view, poison.arm))} stays finite throughout.` : ''}
      </p>
      <div className="two">
        <figure aria-labelledby={runUp}>
          <h3>Run-up: largest and smallest magnitude of each tensor before it</h3>
          <MeasuredScene draw={drawRunUp} kind="half" />
          <figcaption id={runUp}>
            Run-up to the first value that is not finite: a bar from the largest magnitude (cap) to the smallest that is
            not 0 (dot), on f32’s own scale.
          </figcaption>
          <TableTwin title="This run-up as a table">{() => <RunUpTable poison={poison} />}</TableTwin>
        </figure>
        <figure aria-labelledby={spread}>
          <h3>Spread: share of each tensor that is not finite</h3>
          <MeasuredScene draw={drawSpread} kind="half" />
          <figcaption id={spread}>
            Spread from there on, stage by stage.{' '}
            {last === undefined
              ? ''
              : `At ${stageSpec(last.stage).title}, ${formatCount(last.bad)} of ${formatCount(last.count)} values are not finite.`}
          </figcaption>
        </figure>
      </div>
    </>
  );
}

function other(view: TraceView, arm: string): string {
  return view.arms[0] === arm ? view.arms[1] : view.arms[0];
}

function RunUpTable({ poison }: { readonly poison: Poison }): ReactElement {
  return (
    <table>
      <thead>
        <tr>
          <th scope="col">Layer</th>
          <th scope="col" className="word">
            Stage
          </th>
          <th scope="col">Largest magnitude</th>
          <th scope="col">Smallest</th>
          <th scope="col">Subnormal</th>
        </tr>
      </thead>
      <tbody>
        {poison.runUp.map((step, i) => (
          <tr key={i}>
            <th scope="row">{step.layer ?? '–'}</th>
            <td className="word">{stageSpec(step.stage).title}</td>
            <td>{formatMetric(step.absMax)}</td>
            <td>{formatMetric(step.absMin)}</td>
            <td>{formatMetric(100 * step.subnormals)} %</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
