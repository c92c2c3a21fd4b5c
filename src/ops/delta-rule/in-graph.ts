import { dimOf, type ExactContext, type ExactOp, type KeyRows } from '../exact-op';
import { deltaRuleBound } from './bound';
import { deltaRule, type DeltaShape, type DeltaToken } from './exact';

/** The memory of a gated delta net, behind each token. */
export const deltaRuleOp: ExactOp<'delta-rule'> = {
  keyRows: (at) => states(at),

  bound: async (at, output) => {
    const shape = shapeOf(at);
    const out = new Float64Array(output.values.length);
    const before = stateBefore(at, shape);
    let start = 0;
    for (const row of at.wanted) {
      const bound = deltaRuleBound(shape, tokenOf(at, shape, row), before(row));
      out.set(bound, start);
      start += bound.length;
      if (at.pause.due()) await at.pause.yieldToEventLoop();
    }
    return out;
  },
};

/** States one after the other; of a run of its own, the last one stays behind as what the next step goes on from. */
function states(at: ExactContext<'delta-rule'>): KeyRows {
  const shape = shapeOf(at);
  const size = shape.nHeadV * shape.m * shape.n;
  const state = new Float64Array(size);
  let done = 0;
  const advance = (row: number): void => {
    deltaRule(shape, tokenOf(at, shape, row), state);
  };
  return {
    row: (token, _head, _width, out, outAt) => {
      if (at.fed) {
        state.set(at.earlier(0, token, 1) ?? new Float64Array(size));
        advance(token);
      } else {
        if (done === 0) state.set(at.earlier(0, 0, 1) ?? new Float64Array(size));
        while (done <= token) advance(done++);
      }
      out.set(state, outAt);
    },
    release: () => {
      if (!at.fed && done === at.rows) at.leave(0, state);
    },
  };
}

/** The state before a row; rows of a run of its own are asked for in ascending order. */
function stateBefore(at: ExactContext<'delta-rule'>, shape: DeltaShape): (row: number) => Float64Array {
  const size = shape.nHeadV * shape.m * shape.n;
  const given = (row: number): Float64Array => at.earlier(0, row, 1) ?? new Float64Array(size);
  if (at.fed) return given;
  const state = given(0).slice();
  let done = 0;
  return (row) => {
    while (done < row) deltaRule(shape, tokenOf(at, shape, done++), state);
    return state;
  };
}

function tokenOf(at: ExactContext<'delta-rule'>, { nHeadK, nHeadV, n, m }: DeltaShape, row: number): DeltaToken {
  const part = (input: number, width: number): Float64Array => at.float(input).subarray(row * width, (row + 1) * width);
  return { k: part(0, nHeadK * n), v: part(1, nHeadV * m), decay: part(2, nHeadV), beta: part(3, nHeadV) };
}

function shapeOf(at: ExactContext<'delta-rule'>): DeltaShape {
  const [k, v] = at.node.inputs;
  return {
    nHeadK: dimOf(at, k?.axes[1]),
    nHeadV: dimOf(at, v?.axes[1]),
    n: dimOf(at, k?.axes[2]),
    m: dimOf(at, v?.axes[2]),
  };
}
