import { lastDim, type ExactContext, type ExactOp } from '../exact-op';
import { conv1dBound } from './bound';
import { conv1d, type Earlier } from './exact';

/** Each channel over the latest tokens. */
export const conv1dOp: ExactOp<'conv1d'> = {
  exact: async (at) => {
    const weight = await at.vector();
    const channels = lastDim(at, 0);
    const values = new Float64Array(at.rows * channels);
    for (let row = 0; row < at.rows; row++)
      conv1d(windowOf(at, row, channels), weight, channels, values, row * channels);
    return { values };
  },
  bound: async (at) => {
    const weight = await at.vector();
    const channels = lastDim(at, 0);
    const out = new Float64Array(at.rows * channels);
    for (const row of at.wanted) out.set(conv1dBound(windowOf(at, row, channels), weight, channels), row * channels);
    return out;
  },
};

function windowOf(at: ExactContext<'conv1d'>, row: number, channels: number): Earlier {
  const x = at.float(0);
  return (back) => (back === 0 ? x.subarray(row * channels, (row + 1) * channels) : at.earlier(0, row, back));
}
