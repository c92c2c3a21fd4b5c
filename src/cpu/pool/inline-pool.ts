import { throwIfAborted } from '../../base/abort';
import type { ModelFile } from '../../gguf/model-file';
import { fileBytes, readRows, type ReadOptions } from '../../gguf/tensor-rows';
import { yielder } from '../../base/yielder';
import { RecycledBytes } from '../../base/recycled-bytes';
import type { CpuPool } from './cpu-pool';
import { computeUnit, planUnits, resultsOf, type Unit } from './unit';

/**
 * Runs every product in the calling thread. The next unit is read while one is multiplied; between slices of arithmetic the event
 * loop runs and the abort signal is looked at. The model stays the caller's to close.
 */
export function createInlinePool(model: ModelFile): CpuPool {
  const memory = new RecycledBytes();
  const read = (unit: Unit, options: ReadOptions): Promise<Uint8Array<ArrayBuffer>> =>
    readRows(model, unit, options, memory.take(fileBytes(unit)));
  return {
    async run(jobs, options) {
      throwIfAborted(options.signal);
      const results = resultsOf(jobs);
      const units = planUnits(jobs, 1);
      const pause = yielder(options.signal);
      let ahead: Promise<Uint8Array<ArrayBuffer>> | undefined;
      for (const [i, unit] of units.entries()) {
        const job = jobs[unit.job];
        if (job === undefined) continue;
        const bytes = await (ahead ?? read(unit, options));
        const next = units[i + 1];
        ahead = next && read(next, options);
        // A failed read is met when its turn comes; until then it must not count as unhandled.
        ahead?.catch(() => undefined);
        results.place(job, unit, await computeUnit({ ...job, ...unit, bytes }, pause));
        memory.giveBack(bytes);
      }
      return results.all();
    },
    // Nothing is gained where reading and arithmetic take turns in one thread.
    expect: () => undefined,
    dispose: () => Promise.resolve(),
  };
}
