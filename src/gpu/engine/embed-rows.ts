import { throwIfAborted } from '../../base/abort';
import { rowBytes } from '../../gguf/ggml-types';
import { findWeight } from '../../model/weights';
import { encodeDequantRows, prepareDequantRows } from '../matmul/encode-matmul';
import { repackRows } from '../matmul/repack';
import type { StageRun } from './stage-run';

/** Rows read from the file at the same time. */
const PARALLEL_ROWS = 16;

/** Records y[t] = token_embd[token t], dequantised on the GPU. Only the rows of the tokens are read, each once a batch of rows, and none where the table is on the GPU. */
export async function embedRows(run: StageRun): Promise<void> {
  const { tools, rows, signal } = run;
  const { context, recorder } = tools;
  const resident = tools.cache.resident?.matrix('token_embd');
  const [whole, another] = resident?.tiles ?? [];
  if (resident !== undefined && whole !== undefined && another === undefined) {
    encodeDequantRows(
      recorder,
      await prepareDequantRows(context, resident.type),
      { rows: recorder.table(run.tokens().slice()), weights: { buffer: whole.buffer }, y: run.output },
      { type: resident.type, nIn: tools.hparams.nEmbd, count: rows },
    );
    return;
  }
  const { type, nIn, ids, bytes } = await readTokenRows(run);
  const pipeline = await prepareDequantRows(context, type);
  const words = repackRows(type, bytes, ids.length, nIn);
  const rowOf = new Map(ids.map((id, row) => [id, row]));
  const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST;
  const weights = context.allocate('token rows', words.byteLength, usage);
  context.device.queue.writeBuffer(weights, 0, words);
  recorder.afterSubmit(() => {
    context.release(weights);
  });
  throwIfAborted(signal);
  encodeDequantRows(
    recorder,
    pipeline,
    {
      rows: recorder.table(run.tokens().map((id) => rowOf.get(id) ?? 0)),
      weights: { buffer: weights },
      y: run.output,
    },
    { type, nIn, count: rows },
  );
}

/** The rows of the embedding table that the tokens name, as the file holds them, one after another. */
async function readTokenRows({ tools, tokens, signal }: StageRun) {
  const { model, hparams, onRead } = tools;
  const tensor = findWeight(model, hparams, 'token_embd');
  const nIn = hparams.nEmbd;
  const length = rowBytes(tensor.type, nIn);
  const ids = [...new Set(tokens())];
  const bytes = new Uint8Array(ids.length * length);
  for (let first = 0; first < ids.length; first += PARALLEL_ROWS) {
    const some = ids.slice(first, first + PARALLEL_ROWS);
    const read = await Promise.all(some.map((id) => model.readTensor(tensor, id * length, length, signal)));
    for (const [i, row] of read.entries()) bytes.set(row, (first + i) * length);
    onRead(tensor.name, some.length * length);
  }
  return { type: tensor.type, nIn, ids, bytes };
}
