import { throwIfAborted } from '../../base/abort';
import type { ModelFile } from '../../gguf/model-file';
import { yielder } from '../../base/yielder';
import { RecycledBytes } from '../../base/recycled-bytes';
import type { CpuPool, MatmulJob, RunOptions } from './cpu-pool';
import { computeUnit, planUnits, resultsOf, unitRange, type Unit } from './unit';

/**
 * Runs every product in the calling thread. The next unit is read while one is multiplied; between slices of arithmetic the event
 * loop runs and the abort signal is looked at. The model stays the caller's to close.
 */
export function createInlinePool(model: ModelFile): CpuPool {
  const memory = new RecycledBytes();
  const read = async (job: MatmulJob, unit: Unit, options: RunOptions): Promise<Uint8Array<ArrayBuffer>> => {
    const { offset, length } = unitRange(job, unit);
    const bytes = await model.readTensor(job.tensor, offset, length, options.signal, memory.take(length));
    options.onRead?.(job.tensor.name, length);
    return bytes;
  };
  return {
    async run(jobs, options) {
      throwIfAborted(options.signal);
      const results = resultsOf(jobs);
      const units = planUnits(jobs, 1).map((unit) => ({ unit, job: jobs[unit.job] }));
      const pause = yielder(options.signal);
      let ahead: Promise<Uint8Array<ArrayBuffer>> | undefined;
      for (const [i, { unit, job }] of units.entries()) {
        if (job === undefined) continue;
        const bytes = await (ahead ?? read(job, unit, options));
        const next = units[i + 1];
        ahead = next?.job === undefined ? undefined : read(next.job, next.unit, options);
        // A failed read is met when its turn comes; until then it must not count as unhandled.
        ahead?.catch(() => undefined);
        results.place(job, unit, await computeUnit({ ...job, rows: unit.rows, bytes }, pause));
        memory.giveBack(bytes);
      }
      return results.all();
    },
    // Nothing is gained where reading and arithmetic take turns in one thread.
    expect: () => undefined,
    dispose: () => Promise.resolve(),
  };
}
