import { rmsOf } from './fill';
import { IQ1_GRID } from './grids/iq1';

/** Root mean square of IQ1_S's and IQ1_M's values where d is 1: of (2 s + 1) (grid + delta), s of three bits, delta of either sign. */
export const IQ1_UNIT =
  rmsOf(Array.from({ length: 8 }, (_, s) => 2 * s + 1)) * Math.hypot(rmsOf(IQ1_GRID.entries), 0.125);
