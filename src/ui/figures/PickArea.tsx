import type { MouseEvent, ReactElement, ReactNode } from 'react';

const ARROWS: Readonly<Record<string, readonly [number, number]>> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

/** A figure that can be pointed at and walked over with the arrow keys. Coordinates are layout units. */
export function PickArea(props: {
  readonly label: string;
  readonly scale: number;
  readonly onHover: (x: number | undefined, y: number) => void;
  readonly onPick: (x: number, y: number) => void;
  readonly onMove: (dx: number, dy: number) => void;
  readonly children: ReactNode;
}): ReactElement {
  const at = (event: MouseEvent): readonly [number, number] => {
    const box = event.currentTarget.getBoundingClientRect();
    return [(event.clientX - box.left) / props.scale, (event.clientY - box.top) / props.scale];
  };
  return (
    <div
      className="canvas pick"
      tabIndex={0}
      role="group"
      aria-label={props.label}
      onPointerMove={(event) => {
        const [x, y] = at(event);
        props.onHover(x, y);
      }}
      onPointerLeave={() => {
        props.onHover(undefined, 0);
      }}
      onClick={(event) => {
        const [x, y] = at(event);
        props.onPick(x, y);
      }}
      onKeyDown={(event) => {
        const step = ARROWS[event.key];
        if (step === undefined) return;
        event.preventDefault();
        props.onMove(step[0], step[1]);
      }}
    >
      {props.children}
    </div>
  );
}
