import { useMemo, type ReactElement } from 'react';
import type { MapData } from '../../plots/map/map-types';
import { selectLoad } from '../../plots/select-load';
import type { Columns } from '../../plots/tabs/columns';
import { loadOverlay, loadPlot, loadShares, paintLoad } from '../../plots/tabs/load-plot';
import { pixelRatio } from '../pixel-ratio';
import { RasterCanvas } from '../RasterCanvas';
import { Scene } from '../Scene';
import { useMapTheme } from '../use-theme';

/** How many tokens each expert takes, busiest first within a layer. */
export function LoadTab({ data, columns }: { readonly data: MapData; readonly columns: Columns }): ReactElement {
  const theme = useMapTheme();
  const load = useMemo(() => selectLoad(data.view), [data.view]);
  const shares = useMemo(() => loadShares(load), [load]);
  const plot = useMemo(() => loadPlot(shares, columns), [shares, columns]);
  const paint = useMemo(
    () => (plot === undefined ? undefined : () => paintLoad(plot, theme, pixelRatio())),
    [plot, theme],
  );
  if (plot === undefined || paint === undefined) return <p className="cap">This trace keeps no routing.</p>;
  const { least, most } = plot;
  return (
    <figure>
      <figcaption className="cap">
        Tokens that each expert of a layer takes, busiest at the top of its column: an expert’s number means nothing
        across layers. {least === most ? most : `${String(least)} to ${String(most)}`} of {load.nExpert} experts are
        used; the rest is idle and not drawn.
      </figcaption>
      <div className="pick">
        <RasterCanvas paint={paint} />
        <Scene node={loadOverlay(data, plot, theme)} />
      </div>
    </figure>
  );
}
