import { useEffect, useMemo, useState, type ReactElement } from 'react';
import type { StageId } from '../../model/stages';
import { describePanel, divergencePanel } from '../../plots/divergence-panel';
import { ERROR_METRICS, type ErrorMetric } from '../../plots/error-scale';
import { panelPosition, panelStages, type PanelPosition } from '../../plots/panel-stages';
import { selectPanel } from '../../plots/select-panel';
import { viewOfReport, type TraceView } from '../../plots/trace-view';
import { sideBySide, type PairedStage, type SideBySide } from '../../share/side-by-side';
import type { NamedView } from '../../store/shell-state';
import { CurveKey } from '../CurveKey';
import { Scene } from '../Scene';
import { Sentence, sentenceLook } from '../Sentence';
import { useActions, useApp } from '../use-app';
import { useFigureWidth } from '../use-figure-width';
import { Dialog } from './Dialog';

/** Two reports that were dropped together, held against each other. */
export function PairDialog(): ReactElement {
  const [a, b] = useApp((s) => s.shell.pair);
  return (
    <Dialog title="Two reports, side by side" className="pair-dialog">
      {a === undefined || b === undefined ? <p>Drop two reports together.</p> : <Body a={a} b={b} />}
    </Dialog>
  );
}

function Body({ a, b }: { readonly a: NamedView; readonly b: NamedView }): ReactElement {
  const [found, setFound] = useState<SideBySide | undefined>(undefined);
  useEffect(() => {
    let current = true;
    void sideBySide(a.shared.report, b.shared.report).then((result) => {
      if (current) setFound(result);
    });
    return () => {
      current = false;
    };
  }, [a, b]);
  const views = useMemo(() => [viewOfReport(a.shared.report), viewOfReport(b.shared.report)] as const, [a, b]);
  // The same panels on both sides.
  const stages = useMemo(() => panelStages(views[0], panelStages(views[1], [])), [views]);
  const { metric } = a.shared.view;
  return (
    <>
      <div className="two">
        <Side named={a} side={0} view={views[0]} stages={stages} metric={metric} />
        <Side named={b} side={1} view={views[1]} stages={stages} metric={metric} />
      </div>
      <p className="note">
        <CurveKey /> A ring marks a stage that is wrong by itself.
      </p>
      {found === undefined ? null : <Held found={found} names={[a.file, b.file]} />}
    </>
  );
}

function Side(props: {
  readonly named: NamedView;
  readonly side: 0 | 1;
  readonly view: TraceView;
  readonly stages: readonly StageId[];
  readonly metric: ErrorMetric;
}): ReactElement {
  const { openPaired } = useActions();
  const { named, side, view, stages, metric } = props;
  const { ref, width } = useFigureWidth('pair');
  const { status, sentence } = named.shared.report.verdict;
  return (
    <section aria-label={named.file} style={{ gridRow: `span ${String(stages.length + 3)}` }}>
      <h3 ref={ref}>{named.file}</h3>
      <p className={`sentence ${sentenceLook(status)}`}>
        <Sentence text={sentence} />
      </p>
      {stages.map((stage, i) => (
        <Panel
          key={stage}
          view={view}
          stage={stage}
          metric={metric}
          width={width}
          position={panelPosition(i, stages.length)}
        />
      ))}
      <p className="verbs">
        <button
          type="button"
          className="link"
          onClick={() => {
            void openPaired(side);
          }}
        >
          Open {named.file}
        </button>
      </p>
    </section>
  );
}

function Panel(props: {
  readonly view: TraceView;
  readonly stage: StageId;
  readonly metric: ErrorMetric;
  readonly width: number;
  readonly position: PanelPosition;
}): ReactElement {
  const { view, stage, metric, width, position } = props;
  const data = useMemo(() => selectPanel(view, stage, metric), [view, stage, metric]);
  const scene = useMemo(
    () => (width === 0 ? undefined : divergencePanel(data, { width, position })),
    [data, width, position],
  );
  const { title } = ERROR_METRICS[metric];
  return (
    <div className="pair-panel" role="img" aria-label={`${data.title}, ${title}: ${describePanel(data)}`}>
      {scene === undefined ? null : (
        <>
          <p style={{ top: `${String(scene.titleTop)}px` }}>
            <b>{data.title}</b>
            {title}
          </p>
          <Scene node={scene.root} />
        </>
      )}
    </div>
  );
}

function Held({
  found,
  names,
}: {
  readonly found: SideBySide;
  readonly names: readonly [string, string];
}): ReactElement {
  const { facts, stages, bits, alike } = found;
  const differing = facts.filter((fact) => !fact.same);
  return (
    <>
      <p className="why" data-testid="pair-summary">
        {alike
          ? 'The same model and the same prompt.'
          : 'Not the same model and prompt: sizes can be compared, numbers cannot.'}{' '}
        {bits === undefined
          ? ''
          : `${String(bits.equal)} of ${String(bits.of)} tensors of the arms under test are the same to the bit.`}
      </p>
      <div className="scroll" tabIndex={0} role="region" aria-label="What differs">
        <table>
          <thead>
            <tr>
              <th scope="col" className="word">
                What differs
              </th>
              {names.map((name, i) => (
                <th scope="col" className="word" key={i}>
                  {name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {differing.map(({ name, a, b, code }) => (
              <tr key={name}>
                <th scope="row" className="word">
                  {name}
                </th>
                {[a, b].map((value, i) => (
                  <td className="word" key={i}>
                    {code ? <code>{value}</code> : value}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <div className="scroll" tabIndex={0} role="region" aria-label="Stage by stage">
        <StagePairs stages={stages} names={names} />
      </div>
    </>
  );
}

function StagePairs(props: {
  readonly stages: readonly PairedStage[];
  readonly names: readonly [string, string];
}): ReactElement {
  const withBits = props.stages.some(({ bits }) => bits !== undefined);
  return (
    <table>
      <thead>
        <tr>
          <th scope="col" className="word">
            Stage, worst layer
          </th>
          {props.names.map((name, i) => (
            <th scope="col" key={i}>
              relative L2, {name}
            </th>
          ))}
          {props.names.map((name, i) => (
            <th scope="col" key={i}>
              error ÷ bound, {name}
            </th>
          ))}
          {withBits ? <th scope="col">layers equal to the bit</th> : null}
        </tr>
      </thead>
      <tbody>
        {props.stages.map(({ title, headline, relL2, ratio, bits }) => (
          <tr key={title}>
            <th scope="row" className={headline ? 'word strong' : 'word'}>
              {title}
            </th>
            {[...relL2, ...ratio].map((value, i) => (
              <td key={i}>{value}</td>
            ))}
            {withBits ? <td>{bits === undefined ? '–' : `${String(bits.equal)} of ${String(bits.of)}`}</td> : null}
          </tr>
        ))}
      </tbody>
    </table>
  );
}
