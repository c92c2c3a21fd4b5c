import { dimOf, eachPiece, type Bounds, type ExactContext, type ExactOp } from '../exact-op';
import { ropeBound } from './bound';
import { rope, type RopeTable } from './exact';

/** Rotary embedding of every head. */
export const ropeOp: ExactOp<'rope'> = {
  exact: async (at) => {
    const { pairing } = at.node.attrs;
    const values = await ofHeads(at, (x, start, headDim, table, _position, out) => {
      rope(x, start, table, out, start, headDim, pairing);
    });
    return { values };
  },
  bound: (at) => {
    const { pairing } = at.node.attrs;
    return ofHeads(at, (x, start, headDim, table, position, out) => {
      ropeBound(x, start, table, position, out, start, headDim, pairing);
    });
  },
};

async function ofHeads(
  at: ExactContext<'rope'>,
  visit: (
    x: Float64Array,
    start: number,
    headDim: number,
    table: RopeTable,
    position: number,
    out: Float64Array,
  ) => void,
): Promise<Bounds> {
  const [input] = at.node.inputs;
  const heads = dimOf(at, input?.axes[1]);
  const headDim = dimOf(at, input?.axes[2]);
  const x = at.float(0);
  const out = new Float64Array(x.length);
  const factors = at.node.weights.length === 0 ? undefined : await at.vector();
  const tables = at.angles(at.node.attrs, factors);
  await eachPiece(at, tables.length * heads * headDim, heads * headDim, (from, to) => {
    for (let start = from; start < to; start += headDim) {
      const token = Math.floor(start / (heads * headDim));
      const table = tables[token];
      if (table !== undefined) visit(x, start, headDim, table, at.positionOf(token), out);
    }
  });
  return out;
}
