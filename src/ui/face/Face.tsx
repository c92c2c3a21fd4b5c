import { memo, useId, useMemo, type ReactElement } from 'react';
import { stageSpec, type StageId } from '../../model/stages';
import { drawMap } from '../../plots/map/draw-map';
import { drawSelection } from '../../plots/map/draw-marks';
import { plainNumber } from '../../plots/map/human-number';
import type { MapLayout } from '../../plots/map/layout';
import { wrongPlaces } from '../../plots/map/map-data';
import { isHot, valueOf } from '../../plots/map/measure';
import type { MapData } from '../../plots/map/map-types';
import { drawReadings, drawStrip } from '../../plots/map/strips';
import { svg, type SvgNode } from '../../plots/svg';
import { selectPlace } from '../../store/view';
import { Scene } from '../Scene';
import { useApp } from '../use-app';
import { useMapTheme } from '../use-theme';
import { FaceArea } from './FaceArea';

/** The map, the strips in its columns, and over both of them what is pointed at. */
export const Face = memo(function Face(props: { readonly data: MapData; readonly layout: MapLayout }): ReactElement {
  const { data, layout } = props;
  const theme = useMapTheme();
  const map = useMemo(() => {
    const end = layout.strips[0]?.y ?? layout.height;
    return boxed(layout, 0, end, drawMap(data, layout, theme));
  }, [data, layout, theme]);
  const strips = useMemo(
    () =>
      layout.strips.map(({ stage, y }) => {
        const end = y + layout.size.strip + layout.size.stripGap;
        return { stage, node: boxed(layout, y, end, drawStrip(data, layout, theme, stage, y)) };
      }),
    [data, layout, theme],
  );
  return (
    <FaceArea data={data} layout={layout}>
      <Drawn name="Stages by layers" says={mapWords(data)} node={map} />
      {strips.map(({ stage, node }) => (
        <Drawn key={stage} name={stageSpec(stage).title} says={stripWords(data, stage)} node={node} />
      ))}
      <Overlay data={data} layout={layout} />
    </FaceArea>
  );
});

const Drawn = memo(function Drawn(props: {
  readonly name: string;
  readonly says: string;
  readonly node: SvgNode;
}): ReactElement {
  const caption = useId();
  return (
    <figure aria-labelledby={caption}>
      <Scene node={props.node} />
      <figcaption id={caption} className="visually-hidden">
        {props.name}, {props.says} The numbers are in the tab Numbers.
      </figcaption>
    </figure>
  );
});

/** The ring of the place in hand, the crosshair, and the numbers of the layer under it. */
function Overlay({ data, layout }: { readonly data: MapData; readonly layout: MapLayout }): ReactElement {
  const theme = useMapTheme();
  const pinned = useApp(selectPlace);
  const hover = useApp((s) => s.hover);
  const node = useMemo(() => {
    const layer = hover?.layer ?? pinned?.layer ?? data.layers[0];
    const numbers = layer === undefined ? [] : drawReadings(data, layout, theme, layer);
    return boxed(layout, 0, layout.height, [...drawSelection(data, layout, theme, pinned, hover), ...numbers]);
  }, [data, layout, theme, pinned, hover]);
  return (
    <div className="overlay">
      <Scene node={node} />
    </div>
  );
}

/** A part of the drawing from one height to another. */
function boxed({ width }: MapLayout, from: number, to: number, nodes: readonly SvgNode[]): SvgNode {
  const height = to - from;
  return svg('svg', { viewBox: `0 ${from} ${width} ${height}`, width, height, 'aria-hidden': 'true' }, ...nodes);
}

const BASES = { local: 'local', isolated: 'isolated', free: 'free-running' } as const;

function mapWords(data: MapData): string {
  const { measure, layers, rows, first } = data;
  const hot = layers.reduce((n, layer) => n + rows.filter(({ stage }) => isHot(data.bin(stage, layer))).length, 0);
  const unit = measure.unit === 'ratio' ? 'error ÷ bound' : 'relative L2';
  const limit = measure.unit === 'ratio' ? 'bound' : 'limit';
  const where = first?.layer === undefined ? '' : ` First: layer ${first.layer}, ${stageSpec(first.stage).title}.`;
  return `${unit}, ${BASES[measure.basis]}: ${hot} of ${layers.length * rows.length} cells are over the ${limit}; ${wrongPlaces(data).length} wrong by themselves.${where}`;
}

function stripWords(data: MapData, stage: StageId): string {
  const { measure, layers } = data;
  const worst = (basis: 'local' | 'isolated' | 'free', unit: 'ratio' | 'l2'): string => {
    let most: number | undefined;
    let at: number | undefined;
    let broken = 0;
    for (const layer of layers) {
      const value = valueOf(data.row(basis, stage, layer), unit);
      if (value === undefined) continue;
      if (!Number.isFinite(value)) broken++;
      else if (value > (most ?? -1)) [most, at] = [value, layer];
    }
    const nan = broken === 0 ? '' : `, not finite in ${broken} ${broken === 1 ? 'layer' : 'layers'}`;
    return most === undefined ? `nothing finite${nan}` : `at most ${plainNumber(most)}, at layer ${at ?? ''}${nan}`;
  };
  const free = `free-running relative L2 ${worst('free', 'l2')}.`;
  if (measure.basis === 'free') return free;
  const unit = measure.unit === 'ratio' ? 'error ÷ bound' : 'relative L2';
  return `${unit}, ${BASES[measure.basis]}: ${worst(measure.basis, measure.unit)}; ${free}`;
}
