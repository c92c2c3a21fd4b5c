import type { MouseEvent, ReactElement, ReactNode } from 'react';

const ARROWS: Readonly<Record<string, readonly [number, number]>> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

/** A figure that can be pointed at and walked over with the arrow keys. */
export function PickArea(props: {
  readonly label: string;
  readonly onHover?: (x: number | undefined, y: number) => void;
  readonly onPick: (x: number, y: number) => void;
  readonly onMove: (dx: number, dy: number) => void;
  readonly children: ReactNode;
}): ReactElement {
  const at = (event: MouseEvent): readonly [number, number] => {
    const box = event.currentTarget.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };
  const { onHover } = props;
  return (
    <div
      className="pick"
      tabIndex={0}
      role="group"
      aria-label={props.label}
      onPointerMove={(event) => {
        onHover?.(...at(event));
      }}
      onPointerLeave={() => {
        onHover?.(undefined, 0);
      }}
      onClick={(event) => {
        props.onPick(...at(event));
      }}
      onKeyDown={(event) => {
        const step = ARROWS[event.key];
        if (step === undefined) return;
        event.preventDefault();
        props.onMove(...step);
      }}
    >
      {props.children}
    </div>
  );
}
