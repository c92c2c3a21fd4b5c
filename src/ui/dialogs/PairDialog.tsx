import { useEffect, useMemo, useState, type ReactElement } from 'react';
import { findingOf, findingText } from '../../plots/finding';
import { drawMap } from '../../plots/map/draw-map';
import { mapLayout, MAP_SIZES } from '../../plots/map/layout';
import { mapData } from '../../plots/map/map-data';
import { measureOf } from '../../plots/map/measure';
import { svg } from '../../plots/svg';
import { viewOfReport } from '../../plots/trace-view';
import { sideBySide, type PairedStage, type SideBySide } from '../../share/side-by-side';
import type { NamedView } from '../../store/shell-state';
import { Scene } from '../Scene';
import { Words } from '../face/Words';
import { useActions, useApp } from '../use-app';
import { useFigureWidth } from '../use-figure-width';
import { useMapTheme } from '../use-theme';
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
  return (
    <>
      <div className="two">
        <Side named={a} side={0} />
        <Side named={b} side={1} />
      </div>
      {found === undefined ? null : <Held found={found} names={[a.file, b.file]} />}
    </>
  );
}

/** A report's finding and its map. */
function Side({ named, side }: { readonly named: NamedView; readonly side: 0 | 1 }): ReactElement {
  const { openPaired } = useActions();
  const theme = useMapTheme();
  const { report } = named.shared;
  const { ref, width } = useFigureWidth();
  const { finding, data } = useMemo(() => {
    const view = viewOfReport(report);
    return { finding: findingOf(view, report), data: mapData(view, measureOf(view)) };
  }, [report]);
  const node = useMemo(() => {
    if (width === 0) return undefined;
    const layout = mapLayout(data, width, { ...MAP_SIZES.phone, strip: 0 });
    const box = { viewBox: `0 0 ${width} ${layout.height}`, width, height: layout.height, 'aria-hidden': 'true' };
    return svg('svg', box, ...drawMap(data, layout, theme));
  }, [data, width, theme]);
  return (
    <section aria-label={named.file}>
      <h3 ref={ref}>{named.file}</h3>
      <p className="pair-finding">
        <Words words={finding.head} />
      </p>
      <p className="pair-sentence">{report.verdict.sentence}</p>
      <div role="img" aria-label={`Map of ${named.file}: ${findingText(finding.head)}`}>
        {node === undefined ? null : <Scene node={node} />}
      </div>
      <p className="verbs">
        <button
          type="button"
          className="button quiet"
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
          : `${String(bits.equal)} of ${String(bits.of)} tensors of the candidates are the same to the bit.`}
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
