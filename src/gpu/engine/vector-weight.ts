import type { BufferRange } from '../recorder';
import { vectorPart } from '../weights/weight-part';
import { weightOf, type StageRun } from './stage-run';

/** The floats of a node's weight on the GPU, until what is recorded has been submitted. */
export async function vectorWeight(run: StageRun): Promise<BufferRange> {
  const { cache, recorder } = run.tools;
  const part = vectorPart(weightOf(run));
  if (!cache.hasRoomFor([part])) recorder.submit();
  const pinned = await cache.acquire([part], run.signal);
  recorder.afterSubmit(pinned.release);
  const [place] = pinned.places;
  if (place === undefined) throw new RangeError(`${part.key} has no place`);
  return { buffer: place.buffer };
}
