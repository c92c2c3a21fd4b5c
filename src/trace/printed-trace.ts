import { namesOfDump } from './array-names';
import type { StoredArray } from './array-types';
import { formatError } from './format-error';
import { readNamedArrays } from './named-arrays';
import { PRINTED_DECIMALS, readPrintedText, type PrintedTensor } from './printed-text';
import type { ReadFiles } from './trace-files';

/** Of tensors that are printed under one name as they pass through views, the operation that made the stage's value. */
const MAKERS: Readonly<Record<string, readonly string[]>> = {
  Qcur: ['ROPE'],
  Kcur: ['ROPE'],
  kqv_out: ['CONT', 'RESHAPE'],
};

/**
 * The trace of a printed text. Only tensors that were printed whole can be compared; the others are listed with how much of them there is. The
 * trace says that its values are rounded to so many decimals.
 * @throws TracerError `trace-format`; also where nothing was printed whole
 */
export function readPrintedTrace(text: string, place: string): ReadFiles {
  const tensors = readPrintedText(text, place);
  const stageOf = namesOfDump(tensors.map(({ name }) => name));
  const known = tensors.filter(
    ({ name, op }) => stageOf(name) !== undefined && (MAKERS[name.replace(/-\d+$/, '')]?.includes(op) ?? true),
  );
  const whole = known.filter((tensor) => tensor.isWhole);
  const partial = known
    .filter((tensor) => !tensor.isWhole)
    .map((t) => `${t.name}: ${t.values.size} of ${count(t)} values are printed`);
  if (whole.length === 0) {
    throw formatError(
      place,
      'tensors that are printed whole',
      partial.slice(0, 3).join('; ') || 'none of a known name',
      'llama.cpp prints three values at each end of an axis. Capture whole tensors: moescope trace MODEL --candidate llama.cpp, or the kit in capture/llama.cpp.',
    );
  }
  const arrays = new Map(whole.map((tensor) => [tensor.name, stored(tensor)]));
  const read = readNamedArrays(
    [...arrays].map(([name, array]) => ({ name, path: name, open: () => array })),
    { place, ignored: partial },
  );
  return {
    ...read,
    traces: read.traces.map((trace) => ({ ...trace, provenance: { ...trace.provenance, decimals: PRINTED_DECIMALS } })),
  };
}

function stored(tensor: PrintedTensor): StoredArray {
  const n = count(tensor);
  const data = Float64Array.from({ length: n }, (_, i) => tensor.values.get(i) ?? NaN);
  return {
    type: 'f8',
    shape: tensor.shape,
    count: n,
    bytes: new Uint8Array(data.buffer),
    bigEndian: false,
    columnMajor: false,
  };
}

function count({ shape }: PrintedTensor): number {
  return shape.reduce((a, b) => a * b, 1);
}
