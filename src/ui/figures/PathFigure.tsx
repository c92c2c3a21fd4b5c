import { useId, useMemo, useState, type ReactElement } from 'react';
import { formatMetric, plural, visibleToken } from '../../base/format';
import { selectPath, type PathStep } from '../../plots/select-path';
import { pathLayout, pathStepAt, tokenPath } from '../../plots/token-path';
import { armTitle, type TraceView } from '../../plots/trace-view';
import { Scene } from '../Scene';
import { TableTwin } from '../TableTwin';
import { useFigureWidth } from '../use-figure-width';
import { PickArea } from './PickArea';
import type { Look } from './RoutingSection';

/** One token's way through the experts of every layer. */
export function PathFigure(props: {
  readonly view: TraceView;
  readonly position: number;
  readonly layer: number;
  readonly onLook: Look;
}): ReactElement {
  const { view, position, layer, onLook } = props;
  const caption = useId();
  const { ref, width, scale } = useFigureWidth();
  const [hover, setHover] = useState<PathStep | undefined>(undefined);
  const steps = useMemo(() => selectPath(view, position), [view, position]);
  const layout = useMemo(() => pathLayout(steps, view.nExpert, Math.max(1, width)), [steps, view.nExpert, width]);
  const node = useMemo(() => tokenPath(steps, layout, layer), [steps, layout, layer]);
  const flipped = steps.filter((step) => step.marks.some((mark) => mark.choice !== 'both')).length;
  const move = (dx: number, dy: number): void => {
    const next = view.positions[view.positions.indexOf(position) + dx];
    const nextLayer = view.layers[view.layers.indexOf(layer) + dy];
    if (dx !== 0 && next !== undefined) onLook({ position: next });
    else if (dy !== 0 && nextLayer !== undefined) onLook({ layer: nextLayer, position });
  };
  return (
    <figure aria-labelledby={caption} data-testid="token-path">
      <div className="figure-head">
        <h2>
          The way of token {position} <code>{visibleToken(view.tokenTexts[position] ?? '')}</code>
        </h2>
      </div>
      <p className="readout">{hover === undefined ? '' : stepWords(hover, view)}</p>
      <div ref={ref}>
        {width === 0 ? null : (
          <div style={{ width: `${String(layout.width * scale)}px`, maxWidth: '100%' }}>
            <PickArea
              label="Layers by experts of one token, arrow keys move to other layers and tokens"
              scale={scale}
              onHover={(x, y) => {
                setHover(x === undefined ? undefined : pathStepAt(steps, layout, y));
              }}
              onPick={(_, y) => {
                const step = pathStepAt(steps, layout, y);
                if (step !== undefined) onLook({ layer: step.layer, position });
              }}
              onMove={move}
            >
              <Scene node={node} />
            </PickArea>
          </div>
        )}
      </div>
      <figcaption id={caption}>
        Path of token {position} through the layers: ● as large as the expert’s weight, the line joins the strongest;
        beside it the margin between the last expert chosen and the first left out.{' '}
        {flipped === 0 ? 'Both arms took the same way.' : `The arms part in ${plural(flipped, 'layer')}.`}
      </figcaption>
      <TableTwin title="This way as a table">{() => <PathTable steps={steps} view={view} />}</TableTwin>
    </figure>
  );
}

function stepWords(step: PathStep, view: TraceView): string {
  const marks = [...step.marks].sort((x, y) => y.weight - x.weight);
  const who = {
    both: '',
    'only-a': ` (${armTitle(view.arms[0])} only)`,
    'only-b': ` (${armTitle(view.arms[1])} only)`,
  };
  const experts = marks.map((m) => `${String(m.expert)}${who[m.choice]} ${formatMetric(m.weight)}`).join(', ');
  const drift = step.flip?.drift === undefined ? '' : `, drift ${formatMetric(step.flip.drift)}`;
  return `Layer ${String(step.layer)}: ${experts}; margin ${formatMetric(step.margin)}${drift}`;
}

function PathTable({ steps, view }: { readonly steps: readonly PathStep[]; readonly view: TraceView }): ReactElement {
  return (
    <table>
      <thead>
        <tr>
          <th scope="col">Layer</th>
          <th scope="col" className="word">
            Experts and weights
          </th>
          <th scope="col">Margin</th>
          <th scope="col">Drift of a flip</th>
        </tr>
      </thead>
      <tbody>
        {steps.map((step) => (
          <tr key={step.layer}>
            <th scope="row">{step.layer}</th>
            <td className="word">
              {stepWords(step, view)
                .replace(/^Layer \d+: /, '')
                .replace(/; margin.*$/, '')}
            </td>
            <td>{formatMetric(step.margin)}</td>
            <td>{formatMetric(step.flip?.drift)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
