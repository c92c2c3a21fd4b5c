import { svg, type SvgNode } from './svg';

export interface LayerAxis {
  readonly layers: readonly number[];
  /** Pixels between neighbours. */
  readonly step: number;
  x(layer: number): number;
  /** The layer nearest to a pixel. */
  layerAt(x: number): number | undefined;
}

/** Evenly spaced layers between two pixels, half an inset from each end. */
export function layerAxis(layers: readonly number[], left: number, right: number): LayerAxis {
  const inset = Math.min(16, (right - left) / 12);
  const step = layers.length < 2 ? 0 : (right - left - 2 * inset) / (layers.length - 1);
  const index = new Map(layers.map((layer, i) => [layer, i]));
  const at = (i: number): number => (layers.length < 2 ? (left + right) / 2 : left + inset + i * step);
  return {
    layers,
    step,
    x: (layer) => at(index.get(layer) ?? 0),
    layerAt: (x) => {
      const i = step === 0 ? 0 : Math.round((x - left - inset) / step);
      return layers[Math.min(layers.length - 1, Math.max(0, i))];
    },
  };
}

const STEPS = [1, 2, 4, 5, 8, 10, 20, 25, 50, 100];

/** Every n-th index of `count`, so that labels of `labelWidth` pixels do not touch at `step` pixels apart. */
export function labelledIndices(count: number, step: number, labelWidth: number): readonly number[] {
  const every = STEPS.find((s) => s * step >= labelWidth) ?? Math.max(1, Math.ceil(labelWidth / Math.max(step, 1e-6)));
  return Array.from({ length: count }, (_, i) => i).filter((i) => i % every === 0);
}

/** The numbers under the axis, with the layer in question in bold. */
export function layerLabels(axis: LayerAxis, y: number, strong: number | undefined): SvgNode[] {
  const shown = new Set(labelledIndices(axis.layers.length, axis.step, 26).map((i) => axis.layers[i] ?? 0));
  if (strong !== undefined) {
    for (const layer of [...shown]) {
      if (layer !== strong && Math.abs(axis.x(layer) - axis.x(strong)) < 20) shown.delete(layer);
    }
    shown.add(strong);
  }
  return [...shown].map((layer) =>
    svg(
      'text',
      { x: axis.x(layer), y, class: layer === strong ? 'tick strong' : 'tick', 'text-anchor': 'middle' },
      String(layer),
    ),
  );
}
