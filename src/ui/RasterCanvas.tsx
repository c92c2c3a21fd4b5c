import { useLayoutEffect, useMemo, useRef, type ReactElement } from 'react';
import type { Raster } from '../plots/raster';

/** Paints a raster of src/plots/ and shows it; its box is the parent's. Painting is a step of its own: keep `paint` the same while its data are. */
export function RasterCanvas({ paint }: { readonly paint: () => Raster }): ReactElement {
  const ref = useRef<HTMLCanvasElement>(null);
  const raster = useMemo(() => paint(), [paint]);
  useLayoutEffect(() => {
    // Before the frame is shown: a canvas that changes its size is blank until it is drawn.
    // Only ever written whole: kept in main memory, where no lost GPU context can blank it.
    const context = ref.current?.getContext('2d', { willReadFrequently: true });
    context?.putImageData(new ImageData(raster.data, raster.width, raster.height), 0, 0);
  }, [raster]);
  return <canvas ref={ref} width={raster.width} height={raster.height} aria-hidden="true" />;
}
