import { rowLength, sizeOf, type Dim, type Value } from '../../arch/graph';
import type { StageRun } from './stage-run';

type Run = Pick<StageRun, 'tools' | 'nKeys'>;

/** Words of a value for each token. */
export function widthOf({ tools, nKeys }: Run, value: Value): number {
  return rowLength(value, tools.bound.graph.sizes, nKeys);
}

/** Length of one axis of a value; 0 is the tokens'. */
export function axisOf({ tools, nKeys }: Run, value: Value, axis: number): number {
  const dim: Dim = value.axes.at(axis) ?? '';
  return dim === 'nKeys' ? nKeys : sizeOf(tools.bound.graph.sizes, dim);
}
