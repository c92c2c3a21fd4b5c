import { linearGrid } from '../../ops/kernel-grid';
import { axisOf, widthOf } from './sizes';
import { inputAt, stateOf, valueAt, type StageKernel } from './stage-run';
import { vectorWeight } from './vector-weight';

const LANES = 64;
/** Of an element of a state and token: decay, product and sum with the key, and the same of the change. */
const OPERATIONS = 5;

/** (rows, channels) and the rows before -> (rows, channels) */
export const conv1d: StageKernel<'conv1d'> = async (run) => {
  const { recorder, kernels } = run.tools;
  const weight = await vectorWeight(run);
  const channels = widthOf(run, run.node.out);
  const count = run.rows * channels;
  const [slot] = run.node.reads;
  recorder.dispatch(
    kernels.conv1d,
    { x: inputAt(run, 0), before: stateOf(run), weight, y: run.output },
    { count, channels, taps: (slot?.reach ?? 0) + 1 },
    linearGrid(count, LANES),
  );
};

/** (rows, heads, n) -> (rows, heads * times, n) */
export const l2norm: StageKernel<'l2norm'> = (run) => {
  const { recorder, kernels } = run.tools;
  const x = valueAt(run.node, 0);
  const rowLength = axisOf(run, x, -1);
  const rows = (run.rows * widthOf(run, x)) / rowLength;
  const { eps, times } = run.node.attrs;
  recorder.dispatch(
    kernels.l2norm,
    { x: inputAt(run, 0), y: run.output },
    { rows, rowLength, times, eps },
    linearGrid(rows, 1),
  );
};

/** k, v, decay and beta of the rows, and the state before them -> (rows, nHeadV, m, n) */
export const deltaRule: StageKernel<'delta-rule'> = async (run) => {
  const { recorder, kernels, pacer } = run.tools;
  const [k, v] = [valueAt(run.node, 0), valueAt(run.node, 1)];
  const [nHeadK, nHeadV] = [axisOf(run, k, 1), axisOf(run, v, 1)];
  const [n, m] = [axisOf(run, k, 2), axisOf(run, v, 2)];
  const count = nHeadV * m;
  recorder.dispatch(
    kernels.deltaRule,
    {
      ...{ k: inputAt(run, 0), v: inputAt(run, 1), decay: inputAt(run, 2), beta: inputAt(run, 3) },
      ...{ before: stateOf(run), y: run.output },
    },
    { count, rows: run.rows, nHeadK, nHeadV, n, m, each: run.fed === true ? 1 : 0 },
    linearGrid(count, LANES),
  );
  await pacer.spend(OPERATIONS * run.rows * count * n, run.signal);
};

/** (rows, nHeadV, m, n) and (rows, nHeadK, n) -> (rows, nHeadV, m) */
export const deltaRead: StageKernel<'delta-read'> = async (run) => {
  const { recorder, kernels, pacer } = run.tools;
  const [state, q] = [valueAt(run.node, 0), valueAt(run.node, 1)];
  const [nHeadK, nHeadV] = [axisOf(run, q, 1), axisOf(run, state, 1)];
  const [m, n] = [axisOf(run, state, 2), axisOf(run, state, 3)];
  const count = run.rows * nHeadV * m;
  recorder.dispatch(
    kernels.deltaRead,
    { state: inputAt(run, 0), q: inputAt(run, 1), y: run.output },
    { count, nHeadK, nHeadV, n, m, scale: 1 / run.node.attrs.divisor },
    linearGrid(count, LANES),
  );
  await pacer.spend(2 * count * n, run.signal);
};
