import { formatError } from './format-error';
import { decodeTraceJson } from './trace-json';
import { filesToTraces, type ReadFiles } from './trace-files';
import { isZip, readZip } from './zip';

/**
 * Reads a trace file of any kind, told by its content: a ZIP of an APRT tree, an NPZ, or trace JSON.
 * `name` is for messages. A single APRT file has no stage in it: give {@link filesToTraces} its path instead.
 * @throws TracerError `trace-format`.
 */
export function readTraces(bytes: Uint8Array, name: string): ReadFiles {
  if (isZip(bytes)) return filesToTraces(readZip(bytes, name), name);
  const first = bytes.find((b) => b > 0x20);
  if (first === '{'.charCodeAt(0)) {
    return { traces: [decodeTraceJson(new TextDecoder().decode(bytes), name)], ignored: [] };
  }
  throw formatError(
    name,
    'a ZIP of an APRT tree, an NPZ or trace JSON',
    'another kind of file',
    'Choose a trace that MoEscope saved, a folder or ZIP of APRT files, or an NPZ with <arm>/layer-<N>/<stage> arrays.',
  );
}
