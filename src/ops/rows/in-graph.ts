import { floatsOf, type ExactOp } from '../exact-op';
import { rowsBound } from './bound';

/** Rows of an embedding table. */
export const rowsOp: ExactOp<'rows'> = {
  exact: async (at) => ({ values: await at.tableRows(at.tokens) }),
  bound: (_at, output) => rowsBound(floatsOf(output)),
};
