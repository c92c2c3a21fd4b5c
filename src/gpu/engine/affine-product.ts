import type { BoundFloats } from '../../arch/bind';
import { linearGrid } from '../../ops/kernel-grid';
import { vectorPart } from '../weights/weight-part';
import { widthOf } from './sizes';
import { weightOf, type StageKernel, type StageRun } from './stage-run';

const LANES = 64;

/** Records a product, and behind it what the file has beside its weight: scale and bias. Nothing more is recorded where it has neither. */
export async function thenAffine(run: StageRun, product: StageKernel): Promise<void> {
  const { tools, node, rows, output, outputRow } = run;
  const { scale, bias, nOut, nExpert } = weightOf(run);
  if (scale === undefined && bias === undefined) {
    await product(run);
    return;
  }
  const { cache, recorder, kernels, scratch } = tools;
  const width = widthOf(run, node.out);
  const raw = scratch.get(`products of ${width}`, rows * width);
  await product({ ...run, output: raw, outputRow: 0 });
  const parts = [scale, bias].flatMap((floats) => (floats === undefined ? [] : [vectorPart(floats.vector)]));
  if (!cache.hasRoomFor(parts)) recorder.submit();
  const pinned = await cache.acquire(parts, run.signal);
  recorder.afterSubmit(pinned.release);
  const place = (floats: BoundFloats | undefined): { readonly buffer: GPUBuffer } | undefined =>
    floats && pinned.places.find(({ tensor }) => tensor.name === floats.vector.tensor.name);
  const [chosen] = node.inputs.filter(({ kind }) => kind === 'index');
  const [first] = pinned.places;
  if (first === undefined) return;
  const count = rows * width;
  recorder.dispatch(
    kernels.affine,
    {
      x: raw,
      // What is not read has to be bound all the same.
      indices: chosen === undefined ? { buffer: first.buffer } : run.input(chosen.id),
      scale: { buffer: (place(scale) ?? first).buffer },
      bias: { buffer: (place(bias) ?? first).buffer },
      y: output,
    },
    {
      count,
      nOut,
      nExpert,
      isScaled: scale === undefined ? 0 : 1,
      isBiased: bias === undefined ? 0 : 1,
      biasFirst: bias?.first ?? 0,
      biasStride: bias?.stride ?? 0,
      yOffset: outputRow * width,
    },
    linearGrid(count, LANES),
  );
}
