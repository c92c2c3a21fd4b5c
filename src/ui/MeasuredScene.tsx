import { useMemo, type ReactElement } from 'react';
import type { SvgNode } from '../plots/svg';
import { Scene } from './Scene';
import { useFigureWidth, type FigureKind } from './use-figure-width';

/** A drawing that is made for the width it has; keep `draw` the same while its data are. */
export function MeasuredScene(props: {
  readonly draw: (width: number) => SvgNode;
  readonly kind: FigureKind;
}): ReactElement {
  const { draw, kind } = props;
  const { ref, width } = useFigureWidth(kind);
  const node = useMemo(() => (width === 0 ? undefined : draw(width)), [draw, width]);
  return <div ref={ref}>{node === undefined ? null : <Scene node={node} />}</div>;
}
