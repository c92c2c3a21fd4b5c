import { memo, useId, useMemo, useRef, useState, type ReactElement } from 'react';
import { formatMetric, plural } from '../../base/format';
import { armTitle, type TraceView } from '../../plots/trace-view';
import { paintRouting, routingLayout, routingOverlay, routingPlaceAt } from '../../plots/routing';
import { selectRouting, type RoutingData, type RoutingToken } from '../../plots/select-routing';
import { pixelRatio } from '../pixel-ratio';
import { RasterCanvas } from '../RasterCanvas';
import { Scene } from '../Scene';
import { TableTwin } from '../TableTwin';
import { useActions, usePlaceNow } from '../use-app';
import { useFigureWidth } from '../use-figure-width';
import { useFigureTheme } from '../use-theme';
import { PickArea } from './PickArea';
import { useRoutingPlace } from './use-routing-place';

/** Which experts each arm chose, token by token, for one layer. */
export const RoutingFigure = memo(function RoutingFigure({ view }: { readonly view: TraceView }): ReactElement | null {
  const figure = useRef<HTMLElement>(null);
  const { layer, place } = useRoutingPlace(view, figure);
  const now = usePlaceNow();
  const { select } = useActions();
  const theme = useFigureTheme();
  const caption = useId();
  const { ref, width, scale } = useFigureWidth('choices');
  const [hover, setHover] = useState<{ token: RoutingToken; expert: number | undefined } | undefined>(undefined);
  const data = useMemo(() => (layer === undefined ? undefined : selectRouting(view, layer)), [view, layer]);
  const layout = useMemo(
    () => (data === undefined || width === 0 ? undefined : routingLayout(data, width)),
    [data, width],
  );
  const ratio = pixelRatio(scale);
  const paint = useMemo(
    () => (data === undefined || layout === undefined ? undefined : () => paintRouting(data, layout, theme, ratio)),
    [data, layout, theme, ratio],
  );
  const position = place?.layer === layer ? place?.position : undefined;
  const overlay = useMemo(
    () => (data === undefined || layout === undefined ? undefined : routingOverlay(data, layout, position)),
    [data, layout, position],
  );
  if (layer === undefined) return null;
  const pick = (next: number, token: number | undefined): void => {
    select({ layer: next, stage: now().place?.stage ?? 'moe_router', position: token });
  };
  return (
    <figure ref={figure} aria-labelledby={caption} className="choices">
      <div className="figure-head">
        <h2>Routing, layer {layer}</h2>
        <div className="figure-tools">
          <LayerChooser
            view={view}
            layer={layer}
            onChoose={(next) => {
              pick(next, undefined);
            }}
          />
        </div>
      </div>
      <p className="readout">{data === undefined ? '' : readout(data, hover)}</p>
      <div ref={ref}>
        {data === undefined || layout === undefined || paint === undefined || overlay === undefined ? (
          <p className="note">No choices were captured in this layer.</p>
        ) : (
          <div style={{ width: `${String(layout.width * scale)}px`, maxWidth: '100%' }}>
            <PickArea
              label="Tokens by experts, arrow keys move from token to token"
              scale={scale}
              onHover={(x, y) => {
                setHover(x === undefined ? undefined : routingPlaceAt(data, layout, x, y));
              }}
              onPick={(x, y) => {
                const at = routingPlaceAt(data, layout, x, y);
                if (at !== undefined) pick(layer, at.token.position);
              }}
              onMove={(dx, dy) => {
                const { selection, place: here } = now();
                const from = selection?.layer ?? layer;
                const at = data.tokens.findIndex((t) => t.position === here?.position);
                const token = data.tokens[at + dy];
                const next = view.layers[view.layers.indexOf(from) + dx];
                if (dx === 0 && token !== undefined) pick(from, token.position);
                else if (dx !== 0 && next !== undefined) pick(next, here?.position);
              }}
            >
              <RasterCanvas paint={paint} />
              <Scene node={overlay} />
            </PickArea>
          </div>
        )}
      </div>
      <figcaption id={caption}>
        Routing of layer {layer}, tokens by experts.{' '}
        {layout?.marks === true ? '● both chose it, ' : 'Inked: both chose it. '}
        <span className="key">○</span> {armTitle(view.arms[1])} only, <span className="key">✕</span>{' '}
        {armTitle(view.arms[0])} only; shade is the weight.{' '}
        {data === undefined || data.flippedTokens === 0
          ? 'Both arms agree for every token.'
          : `${plural(data.flippedTokens, 'token')} of ${String(data.tokens.length)} rerouted.`}
      </figcaption>
      {data === undefined ? null : (
        <TableTwin title="These choices as a table">{() => <RoutingTable data={data} />}</TableTwin>
      )}
    </figure>
  );
});

function LayerChooser(props: {
  readonly view: TraceView;
  readonly layer: number;
  readonly onChoose: (layer: number) => void;
}): ReactElement {
  const { view, layer, onChoose } = props;
  const flips = new Map(
    view.rows.flatMap((r) =>
      r.mode === 'free' && r.layer !== undefined && (r.flips?.length ?? 0) > 0
        ? [[r.layer, r.flips?.length ?? 0] as const]
        : [],
    ),
  );
  return (
    <label>
      layer{' '}
      <select
        className="inline"
        value={layer}
        onChange={(event) => {
          onChoose(Number(event.currentTarget.value));
        }}
      >
        {view.layers.map((l) => (
          <option key={l} value={l}>
            {l}
            {flips.has(l) ? ` (${plural(flips.get(l) ?? 0, 'token')} rerouted)` : ''}
          </option>
        ))}
      </select>
    </label>
  );
}

function readout(data: RoutingData, hover: { token: RoutingToken; expert: number | undefined } | undefined): string {
  if (hover === undefined) {
    return data.closest === undefined
      ? ''
      : `Closest choice: token ${String(data.closest.position)}, margin ${formatMetric(data.closest.margin)}`;
  }
  const { token, expert } = hover;
  const mark = token.marks.find((m) => m.expert === expert);
  const who = {
    both: 'both arms',
    'only-a': `${armTitle(data.arms[0])} only`,
    'only-b': `${armTitle(data.arms[1])} only`,
  };
  const chosen =
    mark === undefined
      ? ''
      : `, expert ${String(mark.expert)}: ${who[mark.choice]}, weight ${formatMetric(mark.weight)}`;
  const drift = token.flip?.drift === undefined ? '' : `, drift ${formatMetric(token.flip.drift)}`;
  return `Token ${String(token.position)} ${token.text}${chosen}; margin ${formatMetric(token.margin)}${drift}`;
}

function RoutingTable({ data }: { readonly data: RoutingData }): ReactElement {
  const experts = (token: RoutingToken, choice: string): string =>
    token.marks
      .filter((m) => m.choice === choice)
      .map((m) => m.expert)
      .join(', ') || '–';
  return (
    <table>
      <thead>
        <tr>
          <th scope="col">Token</th>
          <th scope="col" className="word">
            Text
          </th>
          <th scope="col">Both</th>
          <th scope="col">{armTitle(data.arms[1])} only</th>
          <th scope="col">{armTitle(data.arms[0])} only</th>
          <th scope="col">Margin</th>
        </tr>
      </thead>
      <tbody>
        {data.tokens.map((token) => (
          <tr key={token.position}>
            <th scope="row">{token.position}</th>
            <td className="word">
              <code>{token.text}</code>
            </td>
            <td>{experts(token, 'both')}</td>
            <td>{experts(token, 'only-b')}</td>
            <td>{experts(token, 'only-a')}</td>
            <td>{formatMetric(token.margin)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
