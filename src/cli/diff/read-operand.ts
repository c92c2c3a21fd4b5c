import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { fail, reasonOf } from '../../base/errors';
import { openRegular, readRegular } from '../../gguf/regular-file';
import { parseAprPath } from '../../trace/apr-path';
import { decodeAprt, isAprt } from '../../trace/aprt';
import { isTraceCsv } from '../../trace/csv-read';
import { formatError } from '../../trace/format-error';
import type { Trace } from '../../trace/trace';
import { filesToTraces, readIndex, type ReadFiles } from '../../trace/trace-files';
import { checkTraceHead, PRINTED_HEAD_BYTES, readFileTree, readTraces } from '../../trace/read-traces';
import type { NamedAprt } from '../../divergence/apr-stage-diff';

const INDEX = 'trace.json';
const TENSOR_FILE = /\.(?:bin|npy)$/;
/** Files that hold whole traces. */
const TRACE_FILE = /\.(?:npz|zip|json|csv|safetensors|pt|pth)$/;
/** Describe a folder; no traces of their own. */
const INDEXES: readonly string[] = [INDEX, 'index.json'];

/** What A or B names. */
export interface Operand {
  readonly path: string;
  readonly traces: readonly Trace[];
  /** Files that are no part of a trace. */
  readonly ignored: readonly string[];
  /** Where the operand is one APRT file. */
  readonly aprt?: NamedAprt;
}

/**
 * Reads a saved trace: a folder (APRT or NumPy tree, one engine's folder of such a tree, archives side by side, arrays by their ggml names),
 * or one file (ZIP, NPZ, trace JSON, CSV, APRT).
 * @throws TracerError `source-read`, `trace-format`
 */
export async function readOperand(path: string): Promise<Operand> {
  if (await isFolder(path)) return readFolder(path);
  const bytes = await readBytes(path);
  if (isAprt(bytes)) return readAprtFile(path, bytes);
  return { path, ...readTraces(bytes, path) };
}

/**
 * Looks at the beginning of a saved trace, and reads none of its tensors: what cannot be one is refused before anything else is done.
 * @throws TracerError `source-read`, `trace-format`
 */
export async function peekOperand(path: string): Promise<void> {
  if (!(await isFolder(path))) {
    const head = await readHead(path);
    if (!isAprt(head)) checkTraceHead(head, path);
    return;
  }
  const names = await filesUnder(path);
  if (names.includes(INDEX)) readIndex(await readBytes(join(path, INDEX)), join(path, INDEX));
  if (!names.some((name) => TENSOR_FILE.test(name) || TRACE_FILE.test(name))) throw noTrace(path);
}

async function readHead(path: string): Promise<Uint8Array> {
  try {
    const file = await openRegular(path);
    try {
      const head = new Uint8Array(PRINTED_HEAD_BYTES);
      const { bytesRead } = await file.read(head, 0, head.length, 0);
      return head.subarray(0, bytesRead);
    } finally {
      await file.close();
    }
  } catch (error) {
    throw unreadable(path, error);
  }
}

/** One APRT file; its traces are empty where its path does not say which stage it is. */
async function readAprtFile(path: string, bytes: Uint8Array): Promise<Operand> {
  const aprt = { path, tensor: decodeAprt(bytes, path) };
  const full = resolve(path);
  const layerFolder = /^layer-\d+$/.test(basename(dirname(full)));
  const enginePath = layerFolder ? dirname(dirname(full)) : dirname(full);
  const inside = [basename(enginePath), ...(layerFolder ? [basename(dirname(full))] : []), basename(full)].join('/');
  if (parseAprPath(inside) === undefined) return { path, traces: [], ignored: [], aprt };
  const files = new Map([[inside, bytes], ...(await indexBeside(enginePath))]);
  return { path, ...filesToTraces(files, path), aprt };
}

async function readFolder(root: string): Promise<Operand> {
  const names = await filesUnder(root);
  const tensors = names.filter((name) => TENSOR_FILE.test(name));
  if (tensors.length > 0) {
    const others = names.filter((name) => !TENSOR_FILE.test(name) && !INDEXES.includes(basename(name)));
    // An engine's own folder: its name is the engine, and what describes it stands above.
    const isEngine = tensors.some((name) => isAtRoot(name, 'bin') || isAtRoot(name, 'npy'));
    const prefix = isEngine ? `${basename(resolve(root))}/` : '';
    const files = new Map<string, Uint8Array>(isEngine ? await indexBeside(resolve(root)) : []);
    for (const name of names) {
      if (TENSOR_FILE.test(name) || INDEXES.includes(basename(name))) {
        files.set(`${prefix}${name}`, await readBytes(join(root, name)));
      }
    }
    const read = readFileTree(files, root);
    return { path: root, traces: read.traces, ignored: [...read.ignored, ...others] };
  }
  // Nothing but an index: it may say why.
  if (names.includes(INDEX)) readIndex(await readBytes(join(root, INDEX)), join(root, INDEX));
  const traces: Trace[] = [];
  const ignored: string[] = [];
  for (const name of names) {
    const read = await readIfTrace(join(root, name));
    if (read === undefined) ignored.push(name);
    else {
      traces.push(...read.traces);
      ignored.push(...read.ignored.map((inner) => `${name}: ${inner}`));
    }
  }
  if (traces.length === 0) {
    throw noTrace(root);
  }
  return { path: root, traces, ignored };
}

function noTrace(root: string): Error {
  const remedy = 'Give the folder of --save-tensor.';
  return formatError(root, 'a saved trace', 'no tensor, archive, trace JSON or CSV', remedy);
}

/** A trace file of a folder. A JSON or CSV file that is something else is left out. */
async function readIfTrace(file: string): Promise<ReadFiles | undefined> {
  if (!TRACE_FILE.test(file)) return undefined;
  const bytes = await readBytes(file);
  const head = new TextDecoder('latin1').decode(bytes.subarray(0, 200));
  if (file.endsWith('.json') && !head.includes('"moescope-trace/')) return undefined;
  if (file.endsWith('.csv') && !isTraceCsv(bytes)) return undefined;
  return readTraces(bytes, file);
}

/** `layer-0/attn_norm.bin` or `lm_head.bin`, without an engine's folder above. */
function isAtRoot(name: string, extension: string): boolean {
  return parseAprPath(name, extension)?.folder === '';
}

async function indexBeside(enginePath: string): Promise<readonly (readonly [string, Uint8Array])[]> {
  const file = join(dirname(enginePath), INDEX);
  try {
    return [[INDEX, await readRegular(file)]];
  } catch {
    // A foreign dump has none.
    return [];
  }
}

/** Paths of all files below, relative, with slashes, sorted. */
async function filesUnder(root: string, below = ''): Promise<readonly string[]> {
  const names: string[] = [];
  const entries = await readdir(join(root, below), { withFileTypes: true }).catch((error: unknown) => {
    throw unreadable(join(root, below), error);
  });
  for (const entry of entries) {
    const name = below === '' ? entry.name : `${below}/${entry.name}`;
    // A trace that is being written grows there.
    if (entry.isDirectory() && entry.name.startsWith('.')) continue;
    if (entry.isDirectory()) names.push(...(await filesUnder(root, name)));
    else names.push(name);
  }
  return names.sort();
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch (error) {
    throw unreadable(path, error);
  }
}

async function readBytes(path: string): Promise<Uint8Array> {
  try {
    return await readRegular(path);
  } catch (error) {
    throw unreadable(path, error);
  }
}

function unreadable(path: string, error: unknown): Error {
  const reason = reasonOf(error);
  const remedy = 'Check the path and its permissions. A file above 2 GB can only be read as a folder.';
  return fail('source-read', `${path} cannot be read: ${reason}.`, remedy, { path, reason }, error);
}
