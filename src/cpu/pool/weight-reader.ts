import { orCancelled } from '../../base/abort';
import type { ModelFile } from '../../gguf/model-file';
import { leadingRun, readRun, RUN_BYTES, type TensorRange } from '../../gguf/neighbours';

/** Most bytes that are read, or being read, before anybody has taken them. */
export const READ_AHEAD_BYTES = 32 * 2 ** 20;
/** Reads ahead that are under way at a time: enough to hide a disk, few enough to leave it to what is needed now. */
const PARALLEL_AHEAD = 2;

/** Reads weights when they are taken, and before, when they are expected: each range once, neighbours together. */
export interface WeightReader {
  /**
   * The bytes of a range.
   * @throws TracerError as `ModelFile.readTensor`; `run-cancelled`
   */
  take(range: TensorRange, signal: AbortSignal | undefined): Promise<Uint8Array<ArrayBuffer>>;
  /** Ranges that will be taken soon, in this order; read ahead as memory allows. Failures are met by `take`. */
  expect(ranges: readonly TensorRange[]): void;
  /** Forgets what is expected, and lets go of what was read for it. */
  forget(): void;
}

interface Expected {
  readonly range: TensorRange;
  reading: Promise<Uint8Array<ArrayBuffer>> | undefined;
}

/** A reader of a model, which stays the caller's to close. */
export function weightReader(model: ModelFile): WeightReader {
  const expected = new Map<string, Expected>();
  /** Bytes of expected ranges whose reading has begun. */
  let ahead = 0;
  let underWay = 0;

  /** Entries from `first` on that nobody reads yet. */
  function* unread(first: Expected): Generator<Expected> {
    let begun = false;
    for (const entry of expected.values()) {
      begun ||= entry === first;
      if (!begun) continue;
      if (entry.reading !== undefined) return;
      yield entry;
    }
  }

  const pump = (): void => {
    for (const entry of expected.values()) {
      if (entry.reading !== undefined) continue;
      if (underWay >= PARALLEL_AHEAD || ahead + entry.range.length > READ_AHEAD_BYTES) return;
      const most = Math.min(RUN_BYTES, READ_AHEAD_BYTES - ahead);
      const run = leadingRun(unread(entry), ({ range }) => range, most);
      ahead += run.reduce((sum, { range }) => sum + range.length, 0);
      underWay++;
      const reads = readRun(
        run.map(({ range }) => range),
        (tensor, offset, length) => model.readTensor(tensor, offset, length),
      );
      for (const [i, one] of run.entries()) {
        // Copied, so that the receiver may transfer the buffer.
        one.reading = run.length === 1 ? reads[i] : reads[i]?.then((bytes) => bytes.slice());
        one.reading?.catch(() => undefined);
      }
      const done = (): void => {
        underWay--;
        pump();
      };
      reads[0]?.then(done, done);
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

function keyOf({ tensor, offset, length }: TensorRange): string {
  return `${tensor.name} ${offset} ${length}`;
}
