import { memo, useId, useMemo, useRef, useState, type ReactElement } from 'react';
import { formatMetric, plural, visibleToken } from '../../base/format';
import { selectPath, type PathStep } from '../../plots/select-path';
import { pathLayout, pathStepAt, tokenPath } from '../../plots/token-path';
import { armTitle, type TraceView } from '../../plots/trace-view';
import { Scene } from '../Scene';
import { TableTwin } from '../TableTwin';
import { usePlaceNow } from '../use-app';
import { useFigureWidth } from '../use-figure-width';
import { PickArea } from './PickArea';
import type { Look } from './look';
import { useRoutingPlace } from './use-routing-place';

/** One token's way through the experts of every layer. */
export const PathFigure = memo(function PathFigure(props: {
  readonly view: TraceView;
  readonly onLook: Look;
}): ReactElement | null {
  const { view, onLook } = props;
  const figure = useRef<HTMLElement>(null);
  const { layer, position } = useRoutingPlace(view, figure);
  const now = usePlaceNow();
  const caption = useId();
  const { ref, width, scale } = useFigureWidth('way');
  const [hover, setHover] = useState<PathStep | undefined>(undefined);
  const steps = useMemo(() => (position === undefined ? [] : selectPath(view, position)), [view, position]);
  const layout = useMemo(() => pathLayout(steps, view.nExpert, Math.max(1, width)), [steps, view.nExpert, width]);
  const node = useMemo(
    () => (width === 0 ? undefined : tokenPath(steps, layout, layer)),
    [steps, layout, layer, width],
  );
  const flipped = steps.filter((step) => step.marks.some((mark) => mark.choice !== 'both')).length;
  if (layer === undefined || position === undefined) return null;
  const move = (dx: number, dy: number): void => {
    const { selection } = now();
    const token = selection?.position ?? position;
    const next = view.positions[view.positions.indexOf(token) + dx];
    const nextLayer = view.layers[view.layers.indexOf(selection?.layer ?? layer) + dy];
    if (dx !== 0 && next !== undefined) onLook({ position: next });
    else if (dy !== 0 && nextLayer !== undefined) onLook({ layer: nextLayer, position: token });
  };
  return (
    <figure ref={figure} aria-labelledby={caption} className="way" data-testid="token-path">
      <div className="figure-head">
        <h2>
          The way of token {position} <code>{visibleToken(view.tokenTexts[position] ?? '')}</code>
        </h2>
      </div>
      <p className="readout">{hover === undefined ? '' : stepWords(hover, view)}</p>
      <div ref={ref}>
        {node === undefined ? null : (
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
});

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
