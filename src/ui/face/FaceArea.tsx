import { useEffect, useRef, type PointerEvent, type ReactElement, type ReactNode } from 'react';
import { mapPlaceAt, windowOf, type MapLayout } from '../../plots/map/layout';
import type { MapData } from '../../plots/map/map-types';
import { stepFrom, type Place } from '../../plots/select-walk';
import { selectPlace } from '../../store/view';
import { useActions, useAppStore } from '../use-app';

const ARROWS: Readonly<Record<string, readonly [number, number]>> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};
/** Pixels below the rows in which a drag selects layers. */
const AXIS = 22;
/** A drag over fewer layers is a click. */
const FEWEST = 3;
/** How much a turn of the wheel zooms. */
const WHEEL = 1.25;

/** Pointing, clicking, walking and zooming, for the map and its strips alike. */
export function FaceArea(props: {
  readonly data: MapData;
  readonly layout: MapLayout;
  readonly children: ReactNode;
}): ReactElement {
  const { data, layout } = props;
  const store = useAppStore();
  const actions = useActions();
  const ref = useRef<HTMLDivElement>(null);
  const drag = useRef<number | undefined>(undefined);
  const at = (event: { readonly clientX: number; readonly clientY: number }): readonly [number, number] => {
    const box = ref.current?.getBoundingClientRect();
    return [event.clientX - (box?.left ?? 0), event.clientY - (box?.top ?? 0)];
  };
  const placeAt = (event: PointerEvent): Place | undefined => {
    const [x, y] = at(event);
    const place = mapPlaceAt(data, layout, x, y);
    if (place === undefined) return undefined;
    const row = data.row(data.measure.basis, place.stage, place.layer);
    return { ...place, position: place.position ?? row?.worstPosition };
  };
  useWheel(ref, data, layout);
  return (
    <div
      ref={ref}
      className="face"
      tabIndex={0}
      role="group"
      aria-label="Map, arrow keys move from cell to cell"
      onPointerMove={(event) => {
        if (event.pointerType !== 'touch') actions.hover(placeAt(event));
      }}
      onPointerLeave={() => {
        drag.current = undefined;
        actions.hover(undefined);
      }}
      onPointerDown={(event) => {
        const [x, y] = at(event);
        const { overview, window } = layout;
        if (overview !== undefined && y < overview.y + overview.height + 4) {
          const share = (x - layout.left) / Math.max(1, layout.rightEdge - layout.left);
          const length = window.to - window.from;
          const from = Math.round(share * data.layers.length - length / 2);
          actions.setZoom({ from: Math.max(0, from), to: Math.max(0, from) + length });
        } else if (y >= layout.bottom && y < layout.bottom + AXIS) drag.current = layerAt(layout, data, x);
      }}
      onPointerUp={(event) => {
        const from = drag.current;
        drag.current = undefined;
        if (from === undefined) return;
        const to = layerAt(layout, data, at(event)[0]);
        const [a, b] = [Math.min(from, to), Math.max(from, to) + 1];
        if (b - a >= FEWEST) actions.setZoom({ from: a, to: b });
      }}
      onClick={(event) => {
        const [x, y] = at(event);
        const place = mapPlaceAt(data, layout, x, y);
        if (place === undefined) return;
        const row = data.row(data.measure.basis, place.stage, place.layer);
        actions.select({ ...place, position: place.position ?? row?.worstPosition });
      }}
      onDoubleClick={() => {
        actions.setZoom(undefined);
      }}
      onKeyDown={(event) => {
        const step = ARROWS[event.key];
        const from = selectPlace(store.getState());
        if (step === undefined || from === undefined || event.altKey || event.ctrlKey || event.metaKey) return;
        event.preventDefault();
        const next = stepFrom(data, from, step[0], step[1]);
        if (next === undefined) return;
        actions.select(next);
        keepInWindow(data, layout, next, actions.setZoom);
      }}
    >
      {props.children}
    </div>
  );
}

function layerAt(layout: MapLayout, data: MapData, x: number): number {
  const l = Math.floor((x - layout.left) / layout.pitch) + layout.window.from;
  return Math.max(layout.window.from, Math.min(Math.min(data.layers.length, layout.window.to) - 1, l));
}

/** A walk out of the window takes the window along. */
function keepInWindow(
  data: MapData,
  { window, whole }: MapLayout,
  { layer }: Place,
  setZoom: (zoom: { readonly from: number; readonly to: number }) => void,
): void {
  const l = data.layers.indexOf(layer ?? -1);
  if (whole || l < 0) return;
  if (l < window.from) setZoom({ from: l, to: l + window.to - window.from });
  else if (l >= window.to) setZoom({ from: l + 1 - (window.to - window.from), to: l + 1 });
}

/** Ctrl and the wheel, which is also what a pinch on a touchpad sends, zoom at the pointer. */
function useWheel(ref: { readonly current: HTMLDivElement | null }, data: MapData, layout: MapLayout): void {
  const { setZoom } = useActions();
  useEffect(() => {
    const element = ref.current;
    if (element === null) return undefined;
    const turned = (event: WheelEvent): void => {
      if (!event.ctrlKey && !event.metaKey) return;
      event.preventDefault();
      const n = data.layers.length;
      const { from, to } = windowOf(layout.window, n);
      const l = layerAt(layout, data, event.clientX - element.getBoundingClientRect().left);
      const length = Math.min(n, Math.round((to - from) * (event.deltaY > 0 ? WHEEL : 1 / WHEEL)));
      const start = Math.max(0, Math.round(l - ((l - from) / Math.max(1, to - from)) * length));
      setZoom({ from: start, to: start + length });
    };
    // Not passive: the browser would zoom the page.
    element.addEventListener('wheel', turned, { passive: false });
    return () => {
      element.removeEventListener('wheel', turned);
    };
  }, [ref, data, layout, setZoom]);
}
