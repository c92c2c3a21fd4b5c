import { useLayoutEffect, useRef, type ReactElement } from 'react';
import type { Raster } from '../plots/raster';

/** Shows a raster of src/plots/; its box is the parent's. */
export function RasterCanvas({ raster }: { readonly raster: Raster }): ReactElement {
  const ref = useRef<HTMLCanvasElement>(null);
  useLayoutEffect(() => {
    // Before the frame is shown: a canvas that changes its size is blank until it is drawn.
    // Only ever written whole: kept in main memory, where no lost GPU context can blank it.
    const context = ref.current?.getContext('2d', { willReadFrequently: true });
    context?.putImageData(new ImageData(raster.data, raster.width, raster.height), 0, 0);
  }, [raster]);
  return <canvas ref={ref} width={raster.width} height={raster.height} aria-hidden="true" />;
}
