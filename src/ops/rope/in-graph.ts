import { dimOf, type ExactContext, type ExactOp } from '../exact-op';
import { ropeBound } from './bound';
import { rope, type RopeTable } from './exact';

/** Rotary embedding of every head. */
export const ropeOp: ExactOp<'rope'> = {
  exact: (at) => {
    const x = at.float(0);
    const values = new Float64Array(x.length);
    const { pairing } = at.node.attrs;
    eachHead(at, (start, headDim, table) => {
      rope(x, start, table, values, start, headDim, pairing);
    });
    return { values };
  },
  bound: (at) => {
    const x = at.float(0);
    const out = new Float64Array(x.length);
    const { pairing } = at.node.attrs;
    eachHead(at, (start, headDim, table, position) => {
      ropeBound(x, start, table, position, out, start, headDim, pairing);
    });
    return out;
  },
};

function eachHead(
  at: ExactContext<'rope'>,
  visit: (start: number, headDim: number, table: RopeTable, position: number) => void,
): void {
  const [x] = at.node.inputs;
  const heads = dimOf(at, x?.axes[1]);
  const headDim = dimOf(at, x?.axes[2]);
  for (const [t, table] of at.angles(at.node.attrs).entries()) {
    for (let head = 0; head < heads; head++) visit((t * heads + head) * headDim, headDim, table, at.positionOf(t));
  }
}
