import { dimOf, type ExactContext, type ExactOp } from '../exact-op';
import type { DeltaShape } from '../delta-rule/exact';
import { deltaReadBound } from './bound';
import { deltaRead } from './exact';

/** What a gated delta net remembers of a query. */
export const deltaReadOp: ExactOp<'delta-read'> = {
  exact: async (at) => {
    const shape = shapeOf(at);
    const { divisor } = at.node.attrs;
    const values = new Float64Array(at.rows * shape.nHeadV * shape.m);
    await eachState(at, shape, 'all', (row, state, q) => {
      deltaRead(shape, state, q, divisor, values, row * shape.nHeadV * shape.m);
    });
    return { values };
  },
  bound: async (at) => {
    const shape = shapeOf(at);
    const { divisor } = at.node.attrs;
    const out = new Float64Array(at.rows * shape.nHeadV * shape.m);
    await eachState(at, shape, at.wanted, (row, state, q) => {
      out.set(deltaReadBound(shape, state, q, divisor), row * shape.nHeadV * shape.m);
    });
    return out;
  },
};

async function eachState(
  at: ExactContext<'delta-read'>,
  { nHeadK, nHeadV, n, m }: DeltaShape,
  rows: 'all' | readonly number[],
  visit: (row: number, state: Float64Array, q: Float64Array) => void,
): Promise<void> {
  const q = at.float(1);
  const state = new Float64Array(nHeadV * m * n);
  const states = await at.keyRows(0);
  try {
    for (const row of rows === 'all' ? Array(at.rows).keys() : rows) {
      states.row(row, 0, state.length, state, 0);
      visit(row, state, q.subarray(row * nHeadK * n, (row + 1) * nHeadK * n));
      if (at.pause.due()) await at.pause.yieldToEventLoop();
    }
  } finally {
    states.release();
  }
}

function shapeOf(at: ExactContext<'delta-read'>): DeltaShape {
  const [state, q] = at.node.inputs;
  return {
    nHeadK: dimOf(at, q?.axes[1]),
    nHeadV: dimOf(at, state?.axes[1]),
    m: dimOf(at, state?.axes[2]),
    n: dimOf(at, state?.axes[3]),
  };
}
