import { orCancelled } from '../../base/abort';
import type { ModelFile } from '../../gguf/model-file';
import { leadingRun, readRun, RUN_BYTES } from '../../gguf/neighbours';
import { fileBytes, readRows, type TensorRows } from '../../gguf/tensor-rows';

/** Most bytes that are read, or being read, before anybody has taken them. */
export const READ_AHEAD_BYTES = 32 * 2 ** 20;
/** Reads ahead that are under way at a time: enough to hide a disk, few enough to leave it to what is needed now. */
const PARALLEL_AHEAD = 2;

/** Reads weights when they are taken, and before, when they are expected: each once, neighbours together. */
export interface WeightReader {
  /**
   * The bytes of rows.
   * @throws TracerError as `ModelFile.readTensor`; `run-cancelled`
   */
  take(rows: TensorRows, signal: AbortSignal | undefined): Promise<Uint8Array<ArrayBuffer>>;
  /** Rows that will be taken soon, in this order; read ahead as memory allows. Failures are met by `take`. */
  expect(all: readonly TensorRows[]): void;
  /** Forgets what is expected, and lets go of what was read for it. */
  forget(): void;
}

interface Expected extends TensorRows {
  reading: Promise<Uint8Array<ArrayBuffer>> | undefined;
}

/** A reader of a model, which stays the caller's to close. */
export function weightReader(model: ModelFile): WeightReader {
  const expected = new Map<string, Expected>();
  /** Bytes of expected rows whose reading has begun. */
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
      if (underWay >= PARALLEL_AHEAD || ahead + fileBytes(entry) > READ_AHEAD_BYTES) return;
      const most = Math.min(RUN_BYTES, READ_AHEAD_BYTES - ahead);
      const run = leadingRun(unread(entry), most);
      ahead += run.reduce((sum, rows) => sum + fileBytes(rows), 0);
      underWay++;
      const reads = readRun(model, run);
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
    async take(rows, signal) {
      const key = keyOf(rows);
      const reading = expected.get(key)?.reading;
      expected.delete(key);
      if (reading === undefined) return readRows(model, rows, { signal });
      ahead -= fileBytes(rows);
      pump();
      return orCancelled(reading, signal);
    },
    expect(all) {
      for (const rows of all) {
        const key = keyOf(rows);
        if (!expected.has(key)) expected.set(key, { ...rows, reading: undefined });
      }
      pump();
    },
    forget() {
      expected.clear();
      ahead = 0;
    },
  };
}

function keyOf({ tensor, firstRow, rows }: TensorRows): string {
  return `${tensor.name} ${firstRow} ${rows}`;
}
