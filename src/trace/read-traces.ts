import type { StoredArray } from './array-types';
import { csvToTraces, isTraceCsv } from './csv-read';
import { formatError } from './format-error';
import { isModuleTree, readModuleTree } from './module-tree';
import { readJsonArrays } from './json-arrays';
import { readNamedArrays } from './named-arrays';
import { isNpyTree, readNpyTree } from './npy-tree';
import { isPrintedText } from './printed-text';
import { readPrintedTrace } from './printed-trace';
import { isSafetensors, readSafetensors } from './safetensors';
import { isTorchFile, readTorchFile } from './torch-file';
import { decodeTraceJson } from './trace-json';
import { filesToTraces, type ReadFiles } from './trace-files';
import { isZip, readZip, type FileTree } from './zip';

/** V8 holds strings up to about 2^29 characters. */
const MAX_TEXT_BYTES = 500e6;
/** Where the schema of a document stands. */
const HEAD_BYTES = 200;
/** A log says much before it comes to the graph. */
export const PRINTED_HEAD_BYTES = 1 << 20;

/**
 * Reads a trace file of any kind, told by its content: a ZIP of an APRT tree, an NPZ, a PyTorch file, safetensors, trace JSON, JSON of named
 * lists, CSV in long form, or what llama.cpp printed of its graph.
 * `name` is for messages. A single APRT file has no stage in it: give {@link filesToTraces} its path instead.
 * @throws TracerError `trace-format`.
 */
export function readTraces(bytes: Uint8Array, name: string): ReadFiles {
  if (isZip(bytes)) {
    const files = readZip(bytes, name);
    return isTorchFile(files) ? arraysOf(readTorchFile(files, name), name) : readFileTree(files, name);
  }
  if (isSafetensors(bytes)) return arraysOf(readSafetensors(bytes, name), name);
  const first = bytes.find((b) => b > 0x20);
  if (first === '{'.charCodeAt(0)) {
    const json = new TextDecoder().decode(bytes);
    // A document without a schema is somebody else's: its members are arrays.
    if (!/"schema"\s*:/.test(json.slice(0, HEAD_BYTES))) return arraysOf(readJsonArrays(json, name), name);
    return { traces: [decodeTraceJson(json, name)], ignored: [] };
  }
  if (isTraceCsv(bytes) && bytes.length > MAX_TEXT_BYTES) {
    throw formatError(name, `at most ${MAX_TEXT_BYTES} bytes of CSV`, `${bytes.length}`, 'Save the trace as NPZ.');
  }
  if (isTraceCsv(bytes)) return { traces: csvToTraces(bytes, name), ignored: [] };
  if (isPrintedText(new TextDecoder().decode(bytes.subarray(0, PRINTED_HEAD_BYTES)))) {
    return readPrintedTrace(new TextDecoder().decode(bytes.subarray(0, MAX_TEXT_BYTES)), name);
  }
  throw otherKind(name);
}

/**
 * Whether a file can be a trace, by its first {@link PRINTED_HEAD_BYTES}: what lies behind them may still be damaged.
 * @throws TracerError `trace-format` of one that cannot
 */
export function checkTraceHead(head: Uint8Array, name: string): void {
  const first = head.find((b) => b > 0x20);
  // The header of safetensors says how long it is, and begins as JSON does.
  const isTensors = head[8] === '{'.charCodeAt(0);
  const isJson = first === '{'.charCodeAt(0);
  if (isZip(head) || isTensors || isJson || isTraceCsv(head) || isPrintedText(new TextDecoder().decode(head))) return;
  throw otherKind(name);
}

function otherKind(name: string): Error {
  return formatError(
    name,
    'a ZIP of an APRT tree, an NPZ, a PyTorch file, safetensors, JSON, CSV or what llama.cpp printed',
    'another kind of file',
    'Choose a trace that MoEscope saved, a folder or ZIP of APRT files, or one of the kinds that capture/FORMAT.md describes.',
  );
}

/** One trace of arrays by name. */
function arraysOf(arrays: ReadonlyMap<string, StoredArray>, name: string): ReadFiles {
  const named = [...arrays].map(([path, array]) => ({ name: path, path, open: () => array }));
  return readNamedArrays(named, { place: name });
}

/** Reads a folder or the content of an archive: an APRT or NumPy tree, or arrays by their ggml names. @throws TracerError `trace-format`. */
export function readFileTree(files: FileTree, name: string): ReadFiles {
  if (isNpyTree(files)) return readNpyTree(files, name);
  return isModuleTree(files) ? readModuleTree(files, name) : filesToTraces(files, name);
}
