import { memo, useCallback, useId, useMemo, useRef, useState, type ReactElement } from 'react';
import { formatMetric, visibleToken } from '../../base/format';
import { stageSpec } from '../../model/stages';
import { HEAT_MEASURES } from '../../plots/heat-measures';
import { heatLayout, heatLegend, heatOverlay, heatPlaceAt, paintHeatmap, type HeatPlace } from '../../plots/heatmap';
import { layerTokenLayout, layerTokenOverlay, layerTokenPlaceAt, paintLayerToken } from '../../plots/layer-token';
import { cellKey, layerOfCell, selectHeatmap, valueAt, type HeatData } from '../../plots/select-heatmap';
import type { Place } from '../../plots/select-walk';
import type { TraceView } from '../../plots/trace-view';
import { Later } from '../Later';
import { pixelRatio } from '../pixel-ratio';
import { RasterCanvas } from '../RasterCanvas';
import { Scene } from '../Scene';
import { Segments } from '../Segments';
import { useActions, useApp, useFollowed, usePlaceNow } from '../use-app';
import { useFigureWidth } from '../use-figure-width';
import { useFigureTheme } from '../use-theme';
import { PickArea } from './PickArea';
import { RUN_WAYS } from './run-ways';

/** Every stage by every layer (and by every token where there is room), on a fixed scale of colours. */
export function HeatFigure({ view }: { readonly view: TraceView }): ReactElement {
  const way = useApp((s) => s.heatMode);
  const measure = useApp((s) => s.heatMeasure);
  const figure = useRef<HTMLElement>(null);
  const { place } = useFollowed(figure);
  const now = usePlaceNow();
  const { setHeatMode, setHeatMeasure, select } = useActions();
  const theme = useFigureTheme();
  const caption = useId();
  const { ref, width, scale } = useFigureWidth();
  const [hover, setHover] = useState<HeatPlace | undefined>(undefined);
  const data = useMemo(() => selectHeatmap(view, way, measure), [view, way, measure]);
  const { mode } = data;
  const layout = useMemo(() => heatLayout(data, Math.max(1, width)), [data, width]);
  const ratio = pixelRatio(scale);
  const paint = useMemo(
    () => (width === 0 ? undefined : () => paintHeatmap(data, layout, theme, ratio)),
    [data, layout, theme, ratio, width],
  );
  const selected = useMemo(() => cellOfPlace(data, place), [data, place]);
  const overlay = useMemo(() => heatOverlay(data, layout, selected), [data, layout, selected]);
  const legend = useMemo(() => heatLegend(theme, data.measure, width), [theme, data.measure, width]);
  const perToken = layout.columns > 1 || (data.measure.perToken && data.positions.length === 1);
  const pick = useCallback(
    (at: HeatPlace): void => {
      select({ layer: layerOfCell(at.stage, at.layer), stage: at.stage, position: at.position });
    },
    [select],
  );
  return (
    <>
      <figure ref={figure} aria-labelledby={caption}>
        <Later first={1}>
          <>
            <div className="figure-head">
              <h2>{perToken ? 'Every stage, every layer, every token' : 'Every stage, every layer'}</h2>
              <div className="figure-tools">
                <Segments label="Colour" value={measure} options={HEAT_MEASURES} onChange={setHeatMeasure} />
                {data.measure.isolatedOnly ? (
                  <span className="aside">isolated: only stages run alone have bounds</span>
                ) : (
                  <Segments label="Way of running" value={way} options={RUN_WAYS} onChange={setHeatMode} />
                )}
              </div>
            </div>
            <CellReadout view={view} data={data} place={hover ?? selected} />
          </>
          <div ref={ref}>
            {paint === undefined ? null : (
              <PickArea
                label="Stages by layers, arrow keys move from cell to cell"
                scale={scale}
                onHover={(x, y) => {
                  setHover(x === undefined ? undefined : heatPlaceAt(data, layout, x, y));
                }}
                onPick={(x, y) => {
                  const at = heatPlaceAt(data, layout, x, y);
                  if (at !== undefined) pick(at);
                }}
                onMove={(dx, dy) => {
                  const next = moved(data, cellOfPlace(data, now().place), dx, dy, layout.columns > 1);
                  if (next !== undefined) pick(next);
                }}
              >
                <RasterCanvas paint={paint} />
                <Scene node={overlay} />
              </PickArea>
            )}
          </div>
          <>
            <div className="legend-block">
              <Scene node={legend} />
            </div>
            <figcaption id={caption}>
              Stages by layers, {data.measure.title}, {mode === 'free' ? 'free-running' : 'isolated'}.{' '}
              {perToken
                ? 'Within a layer, one column a token.'
                : data.measure.perToken
                  ? `Each cell shows the worst of ${String(data.positions.length)} tokens.`
                  : `Each cell is of all ${String(data.positions.length)} tokens.`}{' '}
              The colours mean the same in every picture; the box marks the first divergence. The numbers are in the
              table below.
            </figcaption>
          </>
        </Later>
      </figure>
      {perToken || !data.measure.perToken ? null : <LayerTokenFigure view={view} data={data} onPick={pick} />}
    </>
  );
}

/** The stage in hand, layers by tokens. Its own follower: a click on the figure above is answered there first. */
const LayerTokenFigure = memo(function LayerTokenFigure(props: {
  readonly view: TraceView;
  readonly data: HeatData;
  readonly onPick: (at: HeatPlace) => void;
}): ReactElement | null {
  const { view, data, onPick } = props;
  const figure = useRef<HTMLElement>(null);
  const { place } = useFollowed(figure);
  const now = usePlaceNow();
  const stage = place?.stage ?? 'moe_router';
  const theme = useFigureTheme();
  const caption = useId();
  const { ref, width, scale } = useFigureWidth();
  const [hover, setHover] = useState<HeatPlace | undefined>(undefined);
  const layout = useMemo(() => layerTokenLayout(data, Math.max(1, width)), [data, width]);
  const ratio = pixelRatio(scale);
  const paint = useMemo(
    () => (width === 0 ? undefined : () => paintLayerToken(data, stage, layout, theme, ratio)),
    [data, stage, layout, theme, ratio, width],
  );
  const selected = useMemo(() => cellOfPlace(data, place), [data, place]);
  const overlay = useMemo(() => layerTokenOverlay(data, stage, layout, selected), [data, stage, layout, selected]);
  if (place === undefined) return null;
  return (
    <figure ref={figure} aria-labelledby={caption} className="layer-token">
      <div className="figure-head">
        <h2>{stageSpec(stage).title}, every layer, every token</h2>
      </div>
      <CellReadout view={view} data={data} place={hover ?? selected} />
      <div ref={ref}>
        {paint === undefined ? null : (
          <PickArea
            label="Layers by tokens, arrow keys move from cell to cell"
            scale={scale}
            onHover={(x, y) => {
              setHover(x === undefined ? undefined : layerTokenPlaceAt(data, stage, layout, x, y));
            }}
            onPick={(x, y) => {
              const at = layerTokenPlaceAt(data, stage, layout, x, y);
              if (at !== undefined) onPick(at);
            }}
            onMove={(dx, dy) => {
              const from = cellOfPlace(data, now().place);
              const layer = data.layers[data.layers.indexOf(from?.layer ?? -1) + dy];
              const position = data.positions[data.positions.indexOf(from?.position ?? -1) + dx];
              if (layer !== undefined && position !== undefined) onPick({ stage, layer, position });
            }}
          >
            <RasterCanvas paint={paint} />
            <Scene node={overlay} />
          </PickArea>
        )}
      </div>
      <figcaption id={caption}>
        Layers by tokens, {stageSpec(stage).title}: same colours. Choose another stage in the figure above.
      </figcaption>
    </figure>
  );
});

/** The values of a cell in words. */
function CellReadout(props: {
  readonly view: TraceView;
  readonly data: HeatData;
  readonly place: HeatPlace | undefined;
}): ReactElement {
  const { view, data, place } = props;
  if (place === undefined) return <p className="readout" />;
  const { stage, layer, position } = place;
  const cell = data.cells.get(cellKey(stage, layer));
  const index = position === undefined ? -1 : data.positions.indexOf(position);
  const value = index < 0 ? cell?.worst : valueAt(cell, index);
  const token =
    position === undefined ? '' : `, token ${String(position)} ${visibleToken(view.tokenTexts[position] ?? '')}`;
  const whole = stageSpec(stage).scope === 'model';
  return (
    <p className="readout">
      <b>
        {whole ? '' : `Layer ${String(layer)}, `}
        {stageSpec(stage).title}
        {token}
      </b>{' '}
      {formatMetric(value)} <span className="visually-hidden">{data.measure.title}</span>
    </p>
  );
}

function cellOfPlace(data: HeatData, place: Place | undefined): HeatPlace | undefined {
  if (place === undefined) return undefined;
  const first = data.layers[0] ?? 0;
  const last = data.layers[data.layers.length - 1] ?? 0;
  const layer = place.layer ?? (place.stage === 'embedding' ? first : last);
  return { stage: place.stage, layer, position: place.position };
}

function moved(
  data: HeatData,
  from: HeatPlace | undefined,
  dx: number,
  dy: number,
  byToken: boolean,
): HeatPlace | undefined {
  const row = data.stages.findIndex((s) => s.stage === from?.stage);
  const stage = data.stages[Math.max(0, row + dy)]?.stage;
  const column = Math.max(0, data.layers.indexOf(from?.layer ?? -1));
  if (stage === undefined) return undefined;
  if (!byToken) {
    const layer = data.layers[column + dx];
    return layer === undefined ? undefined : { stage, layer, position: undefined };
  }
  const n = data.positions.length;
  const flat = column * n + Math.max(0, data.positions.indexOf(from?.position ?? -1)) + dx;
  const layer = data.layers[Math.floor(flat / n)];
  const position = data.positions[((flat % n) + n) % n];
  return layer === undefined ? undefined : { stage, layer, position };
}
