import { csvToTraces, isTraceCsv } from './csv-read';
import { formatError } from './format-error';
import { isNpyTree, readNpyTree } from './npy-tree';
import { decodeTraceJson } from './trace-json';
import { filesToTraces, type ReadFiles } from './trace-files';
import { isZip, readZip, type FileTree } from './zip';

/** V8 holds strings up to about 2^29 characters. */
const MAX_TEXT_BYTES = 500e6;

/**
 * Reads a trace file of any kind, told by its content: a ZIP of an APRT tree, an NPZ, trace JSON or CSV in long form.
 * `name` is for messages. A single APRT file has no stage in it: give {@link filesToTraces} its path instead.
 * @throws TracerError `trace-format`.
 */
export function readTraces(bytes: Uint8Array, name: string): ReadFiles {
  if (isZip(bytes)) return readFileTree(readZip(bytes, name), name);
  const first = bytes.find((b) => b > 0x20);
  if (first === '{'.charCodeAt(0)) {
    return { traces: [decodeTraceJson(new TextDecoder().decode(bytes), name)], ignored: [] };
  }
  if (isTraceCsv(bytes) && bytes.length > MAX_TEXT_BYTES) {
    throw formatError(name, `at most ${MAX_TEXT_BYTES} bytes of CSV`, `${bytes.length}`, 'Save the trace as NPZ.');
  }
  if (isTraceCsv(bytes)) return { traces: csvToTraces(new TextDecoder().decode(bytes), name), ignored: [] };
  throw formatError(
    name,
    'a ZIP of an APRT tree, an NPZ, trace JSON or CSV',
    'another kind of file',
    'Choose a trace that MoEscope saved, a folder or ZIP of APRT files, or an NPZ with <arm>/layer-<N>/<stage> arrays.',
  );
}

/** Reads a folder or the content of an archive: an APRT or NumPy tree, or arrays by their ggml names. @throws TracerError `trace-format`. */
export function readFileTree(files: FileTree, name: string): ReadFiles {
  return isNpyTree(files) ? readNpyTree(files, name) : filesToTraces(files, name);
}
