import { CHOSEN_EXPERTS, ROUTER_WEIGHTS } from '../../model/stage-roles';
import { useMemo, type ReactElement } from 'react';
import { formatMetric } from '../../base/format';
import type { MapData } from '../../plots/map/map-types';
import { routingLayer, selectRouting, type RoutingData } from '../../plots/select-routing';
import type { Columns } from '../../plots/tabs/columns';
import { flipBars, MOST_ROUTED, routedTokens, routingAt, routingPlot } from '../../plots/tabs/routing-plot';
import { selectPlace } from '../../store/view';
import { Term } from '../face/Term';
import { Scene } from '../Scene';
import { FigureTable } from '../FigureTable';
import { useActions, useApp } from '../use-app';
import { useMapTheme } from '../use-theme';
import { PickArea } from './PickArea';

/** Where tokens chose other experts, and one layer's choices token by token. */
export function RoutingTab({ data, columns }: { readonly data: MapData; readonly columns: Columns }): ReactElement {
  const theme = useMapTheme();
  const place = useApp(selectPlace);
  const expert = useApp((s) => s.expert);
  const chosen = useApp((s) => s.selection !== undefined);
  const { select, setExpert } = useActions();
  const { view } = data;
  const flips = useMemo(
    () => data.layers.filter((layer) => (data.row('free', CHOSEN_EXPERTS, layer)?.flips?.length ?? 0) > 0),
    [data],
  );
  // A layer that was chosen counts; else the one worth a look first.
  const layer = chosen ? (place?.layer ?? routingLayer(view)) : (routingLayer(view) ?? place?.layer);
  const routing = useMemo(() => (layer === undefined ? undefined : selectRouting(view, layer)), [view, layer]);
  const bars = useMemo(() => flipBars(data, columns, theme, layer), [data, columns, theme, layer]);
  if (routing === undefined || layer === undefined) {
    return (
      <>
        {bars === undefined ? null : <Scene node={bars} />}
        <p className="cap">This trace keeps no routing.</p>
      </>
    );
  }
  const tokens = routedTokens(routing);
  const one = view.routing.from(0).every((row) => row.a === undefined || row.b === undefined);
  const look = { position: place?.position, expert };
  const plot = routingPlot(routing, tokens, columns, theme, look);
  return (
    <figure>
      <figcaption className="cap">
        {one ? (
          <>The experts of layer {layer}; ink is the weight. One side ran alone. </>
        ) : flips.length > 0 ? (
          <>
            Tokens that chose other experts, per layer; the first at layer {flips[0]}. Below, layer {layer}: filled,
            both chose it; <span className="flip-words">○ reference only, × candidate only</span>.{' '}
            <Term id="flip">What is a flip?</Term>{' '}
          </>
        ) : (
          <>
            Nothing flipped: both sides choose the same experts, for every token in every layer. Layer {layer}; ink is
            the weight.{' '}
          </>
        )}
        {tokens.length < routing.tokens.length
          ? flips.length > 0
            ? `${String(tokens.length)} of ${String(routing.tokens.length)} tokens flipped here.`
            : `The ${String(tokens.length)} closest choices of ${String(routing.tokens.length)} tokens.`
          : ''}
      </figcaption>
      {bars === undefined ? null : <Scene node={bars} />}
      <div className={tokens.length > MOST_ROUTED ? 'routing-scroll' : undefined}>
        <PickArea
          label="Tokens by experts, arrow keys move from token to token"
          onPick={(x, y) => {
            const at = routingAt(routing, tokens, columns, x, y);
            if (at === undefined) return;
            setExpert(at.expert);
            select({
              layer,
              stage: place?.layer === undefined ? ROUTER_WEIGHTS : place.stage,
              position: at.token.position,
            });
          }}
          onMove={(dx, dy) => {
            const t = tokens.findIndex((token) => token.position === place?.position) + dy;
            const token = tokens[Math.min(tokens.length - 1, Math.max(0, t))];
            const l = data.layers.indexOf(layer) + dx;
            const next = data.layers[Math.min(data.layers.length - 1, Math.max(0, l))] ?? layer;
            const stage = place?.layer === undefined ? ROUTER_WEIGHTS : place.stage;
            select({ layer: next, stage, position: token?.position ?? place?.position });
          }}
        >
          <Scene node={plot} />
        </PickArea>
      </div>
      <FigureTable title="These choices as a table">{() => <Choices data={routing} sides={view.sides} />}</FigureTable>
    </figure>
  );
}

function Choices({
  data,
  sides,
}: {
  readonly data: RoutingData;
  readonly sides: readonly [string, string];
}): ReactElement {
  const experts = (token: RoutingData['tokens'][number], choice: string): string =>
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
          <th scope="col">{sides[1]} only</th>
          <th scope="col">{sides[0]} only</th>
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
