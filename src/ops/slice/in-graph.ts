import { rowLength } from '../../arch/graph';
import { floatsOf, lastDim, type ExactOp } from '../exact-op';
import { sliceBound } from './bound';
import { slice } from './exact';

/** Some columns of a value. */
export const sliceOp: ExactOp<'slice'> = {
  exact: (at) => {
    const [x] = at.node.inputs;
    if (x === undefined) throw new RangeError(`${at.node.out.id} has no input`);
    const stride = lastDim(at, 0);
    const rowsPerToken = rowLength(x, at.sizes, at.nKeys) / stride;
    const width = rowLength(at.node.out, at.sizes, at.nKeys) / rowsPerToken;
    return { values: slice(at.float(0), stride, at.node.attrs.first, width) };
  },
  bound: (_at, output) => sliceBound(floatsOf(output)),
};
