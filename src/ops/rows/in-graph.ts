import { floatsOf, valuesInPieces, type ExactOp } from '../exact-op';
import { rowsBound } from './bound';

/** Rows of an embedding table. */
export const rowsOp: ExactOp<'rows'> = {
  exact: async (at) => ({ values: await at.tableRows(at.tokens) }),
  bound: (at, output) => {
    const values = floatsOf(output);
    return valuesInPieces(at, values.length, 1, (from, to) => rowsBound(values.subarray(from, to)));
  },
};
