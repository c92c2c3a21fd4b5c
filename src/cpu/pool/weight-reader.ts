import { orCancelled } from '../../base/abort';
import type { ModelFile } from '../../gguf/model-file';
import type { WeightTensor } from '../../model/weights';

/** A byte range of a tensor. */
export interface WeightRange {
  readonly tensor: WeightTensor;
  readonly offset: number;
  readonly length: number;
}

/** Most bytes that are read, or being read, before anybody has taken them. */
export const READ_AHEAD_BYTES = 32 * 2 ** 20;
/** Reads ahead that are under way at a time: enough to hide a disk, few enough to leave it to what is needed now. */
const PARALLEL_AHEAD = 2;

/** Most bytes of expected neighbours that are read as one. */
const RUN_BYTES = 8 * 2 ** 20;

/** Reads weights when they are taken, and before, when they are expected: each range once, neighbours together. */
export interface WeightReader {
  /**
   * The bytes of a range.
   * @throws TracerError as `ModelFile.readTensor`; `run-cancelled`
   */
  take(range: WeightRange, signal: AbortSignal | undefined): Promise<Uint8Array<ArrayBuffer>>;
  /** Ranges that will be taken soon, in this order; read ahead as memory allows. Failures are met by `take`. */
  expect(ranges: readonly WeightRange[]): void;
  /** Forgets what is expected, and lets go of what was read for it. */
  forget(): void;
}

interface Expected {
  readonly range: WeightRange;
  reading: Promise<Uint8Array<ArrayBuffer>> | undefined;
}

/** A reader of a model, which stays the caller's to close. */
export function weightReader(model: ModelFile): WeightReader {
  const expected = new Map<string, Expected>();
  /** Bytes of expected ranges whose reading has begun. */
  let ahead = 0;
  let underWay = 0;

  /** An entry that nobody reads yet with the neighbours that are expected next, as one read may bring them. */
  const runOf = (first: Expected): readonly Expected[] => {
    const run: Expected[] = [];
    let length = 0;
    for (const entry of expected.values()) {
      if (run.length === 0 && entry !== first) continue;
      const { tensor, offset, length: own } = entry.range;
      const isNext = tensor.name === first.range.tensor.name && offset === first.range.offset + length;
      const fits = length + own <= RUN_BYTES && ahead + length + own <= READ_AHEAD_BYTES;
      if (entry.reading !== undefined || !isNext || (run.length > 0 && !fits)) break;
      run.push(entry);
      length += own;
    }
    return run;
  };

  const pump = (): void => {
    for (const entry of expected.values()) {
      if (entry.reading !== undefined) continue;
      const { tensor, offset } = entry.range;
      if (underWay >= PARALLEL_AHEAD || ahead + entry.range.length > READ_AHEAD_BYTES) return;
      const run = runOf(entry);
      const total = run.reduce((sum, { range }) => sum + range.length, 0);
      ahead += total;
      underWay++;
      const reading = model.readTensor(tensor, offset, total);
      for (const one of run) {
        const at = one.range.offset - offset;
        // Each its own memory: whoever takes it may give it away.
        one.reading = run.length === 1 ? reading : reading.then((bytes) => bytes.slice(at, at + one.range.length));
        one.reading.catch(() => undefined);
      }
      const done = (): void => {
        underWay--;
        pump();
      };
      reading.then(done, done);
    }
  };

  return {
    async take(range, signal) {
      const key = keyOf(range);
      const entry = expected.get(key);
      if (entry === undefined) return model.readTensor(range.tensor, range.offset, range.length, signal);
      expected.delete(key);
      if (entry.reading === undefined) return model.readTensor(range.tensor, range.offset, range.length, signal);
      ahead -= range.length;
      pump();
      return orCancelled(entry.reading, signal);
    },
    expect(ranges) {
      for (const range of ranges) {
        const key = keyOf(range);
        if (!expected.has(key)) expected.set(key, { range, reading: undefined });
      }
      pump();
    },
    forget() {
      expected.clear();
      ahead = 0;
    },
  };
}

function keyOf({ tensor, offset, length }: WeightRange): string {
  return `${tensor.name} ${offset} ${length}`;
}
