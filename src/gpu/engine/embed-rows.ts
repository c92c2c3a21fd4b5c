import { neighbouringRows } from '../../gguf/neighbours';
import { encodeDequantRows, prepareDequantRows } from '../matmul/encode-matmul';
import { gpuBytes } from '../weights/placed-rows';
import { weightOf, type StageKernel } from './stage-run';

/** Runs of neighbouring rows read from the file at the same time. */
const PARALLEL_READS = 16;

/** Records y[t] = row token t of a table, dequantised on the GPU. Only the rows of the tokens are read, each once a batch of rows and neighbours as one, and none where the table is on the GPU. */
export const embedRows: StageKernel<'rows'> = async (run) => {
  const { tools, rows: count, output: y } = run;
  const { context, recorder, bound, cache } = tools;
  const weight = weightOf(run);
  const { tensor, nIn } = weight;
  const { type } = tensor;
  const pipeline = await prepareDequantRows(context, type);
  const [whole, another] = cache.resident?.rows(weight) ?? [];
  if (whole !== undefined && another === undefined) {
    const rows = recorder.table(run.tokens().slice());
    encodeDequantRows(recorder, pipeline, { rows, weights: { buffer: whole.buffer }, y }, { type, nIn, count });
    return;
  }
  const ids = [...new Set(run.tokens())].sort((a, b) => a - b);
  const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST;
  const weights = context.allocate('token rows', gpuBytes({ tensor, rows: ids.length }), usage);
  recorder.afterSubmit(() => {
    context.release(weights);
  });
  await cache.uploader.upload(
    neighbouringRows(tensor, ids).map(({ at, ...rows }) => {
      return { ...rows, buffer: weights, offset: gpuBytes({ tensor, rows: at }) };
    }),
    { model: bound.model, onRead: tools.onRead, signal: run.signal, parallel: PARALLEL_READS },
  );
  const rowOf = new Map(ids.map((id, row) => [id, row]));
  const rows = recorder.table(run.tokens().map((id) => rowOf.get(id) ?? 0));
  encodeDequantRows(recorder, pipeline, { rows, weights: { buffer: weights }, y }, { type, nIn, count });
};
