import type { FigureTheme } from './colour';
import { cellColour, paintCell, type HeatPlace } from './heatmap';
import { labelledIndices } from './layer-axis';
import { createLine, createRaster, fillLine, inkLine, type Raster } from './raster';
import { cellKey, valueAt, type HeatData } from './select-heatmap';
import type { StageId } from '../model/stages';
import { group, svg, type SvgNode } from './svg';

/** One stage, layer down, token across: for prompts too long to show inside the blocks of the heatmap. */
export interface LayerTokenLayout {
  readonly width: number;
  readonly height: number;
  readonly left: number;
  readonly top: number;
  readonly cellWidth: number;
  readonly cellHeight: number;
}

/** Pixels of `token 0` and the room after it. */
const FIRST_LABEL = 52;

export function layerTokenLayout(data: HeatData, width: number): LayerTokenLayout {
  const left = width < 600 ? 40 : 134;
  const nLayer = Math.max(1, data.layers.length);
  const cellHeight = Math.min(15, Math.max(4, 300 / nLayer));
  const top = 22;
  return {
    width,
    height: top + nLayer * cellHeight + 2,
    left,
    top,
    cellWidth: (width - left - 2) / Math.max(1, data.positions.length),
    cellHeight,
  };
}

export function paintLayerToken(
  data: HeatData,
  stage: StageId,
  layout: LayerTokenLayout,
  theme: FigureTheme,
  ratio: number,
): Raster {
  const raster = createRaster(layout.width * ratio, layout.height * ratio);
  const edges = Array.from(
    { length: data.positions.length + 1 },
    (_, p) => (layout.left + p * layout.cellWidth) * ratio,
  );
  const line = createLine(raster);
  data.layers.forEach((layer, l) => {
    const cell = data.cells.get(cellKey(stage, layer));
    const y0 = (layout.top + l * layout.cellHeight) * ratio;
    const y1 = (layout.top + (l + 1) * layout.cellHeight - (layout.cellHeight >= 6 ? 1 : 0)) * ratio;
    let hatched = false;
    for (let p = 0; p < data.positions.length; p++) {
      const colour = cellColour(valueAt(cell, p), theme);
      hatched ||= colour === undefined;
      inkLine(line, edges[p] ?? 0, edges[p + 1] ?? 0, colour ?? theme.paper);
    }
    fillLine(raster, y0, y1, line);
    if (!hatched) return;
    for (let p = 0; p < data.positions.length; p++) {
      if (cellColour(valueAt(cell, p), theme) !== undefined) continue;
      paintCell(raster, edges[p] ?? 0, y0, edges[p + 1] ?? 0, y1, valueAt(cell, p), theme, ratio);
    }
  });
  return raster;
}

export function layerTokenOverlay(
  data: HeatData,
  stage: StageId,
  layout: LayerTokenLayout,
  selected: HeatPlace | undefined,
): SvgNode {
  const { width, height, left, top, cellWidth, cellHeight } = layout;
  // The first label has a word more; the next must not run into it.
  const tokens = labelledIndices(data.positions.length, cellWidth, 40).filter(
    (i) => i === 0 || i * cellWidth > FIRST_LABEL,
  );
  const layers = labelledIndices(data.layers.length, cellHeight, 12);
  const l = selected === undefined ? -1 : data.layers.indexOf(selected.layer);
  const p = selected?.position === undefined ? -1 : data.positions.indexOf(selected.position);
  return svg(
    'svg',
    { class: 'plot', viewBox: `0 0 ${String(width)} ${String(height)}`, width, height, 'aria-hidden': 'true' },
    group(
      'columns',
      tokens.map((i) =>
        svg(
          'text',
          { x: left + (i + 0.5) * cellWidth, y: top - 7, class: 'tick', 'text-anchor': i === 0 ? 'start' : 'middle' },
          i === 0 ? `token ${String(data.positions[i] ?? 0)}` : String(data.positions[i] ?? i),
        ),
      ),
    ),
    group(
      'rows',
      layers.map((i) =>
        svg(
          'text',
          { x: left - 8, y: top + (i + 0.5) * cellHeight + 3.5, class: 'tick', 'text-anchor': 'end' },
          i === 0 ? `layer ${String(data.layers[i] ?? 0)}` : String(data.layers[i] ?? i),
        ),
      ),
    ),
    data.first?.stage === stage ? layerRing(layout, data.layers.indexOf(data.first.layer), 'culprit-box') : undefined,
    l < 0 || (data.first?.stage === stage && data.first.layer === selected?.layer)
      ? undefined
      : layerRing(layout, l, 'selected-box'),
    l < 0 || p < 0
      ? undefined
      : svg('rect', {
          x: left + p * cellWidth - 1,
          y: top + l * cellHeight - 1,
          width: Math.max(4, cellWidth + 2),
          height: cellHeight + 2,
          class: 'selected-box inner',
        }),
  );
}

export function layerTokenPlaceAt(
  data: HeatData,
  stage: StageId,
  layout: LayerTokenLayout,
  x: number,
  y: number,
): HeatPlace | undefined {
  const layer = data.layers[Math.floor((y - layout.top) / layout.cellHeight)];
  const position = data.positions[Math.floor((x - layout.left) / layout.cellWidth)];
  return layer === undefined || position === undefined ? undefined : { stage, layer, position };
}

function layerRing(layout: LayerTokenLayout, index: number, name: string): SvgNode | undefined {
  if (index < 0) return undefined;
  return svg('rect', {
    x: layout.left - 1.5,
    y: layout.top + index * layout.cellHeight - 1.5,
    width: layout.width - layout.left + 1,
    height: layout.cellHeight + 2,
    class: name,
  });
}
