import type { Capture } from '../model/engine';
import { stageSpec } from '../model/stages';
import { aprPath, engineFolder, engineOfFolder, fileLayer, parseAprPath } from './apr-path';
import { decodeAprt, encodeAprt } from './aprt';
import {
  filedPositionAxis,
  filedCaptures,
  fromFiled,
  isHeadsFirst,
  projectionWidths,
  splitProjections,
  swapLeadingAxes,
  type FiledCapture,
} from './filed-layout';
import { formatError } from './format-error';
import { elements, member, parseJson, text, type Field } from './json-fields';
import { encodeNpy, openNpy, type NpyArray, type NpyFile } from './npy';
import { npyFloats, npyIds } from './npy-values';
import { readProvenance } from './read-provenance';
import { checkCapture, expertIds, singleRow } from './stage-layout';
import { createTrace, type Provenance, type Trace } from './trace';
import { readCaptureHeader, captureHeader } from './trace-header';
import { checkSchema } from './trace-json';
import type { FileTree } from './zip';
import { EMBEDDING } from '../model/stage-roles';
import { locationKey } from '../model/location';

/** The schema of `trace.json`, which stands beside the engines' folders. */
export const TREE_SCHEMA = 'moescope-tree/1';
const INDEX_FILE = 'trace.json';

/** APRT files (`.bin`), or NumPy arrays (`.npy`, with shapes and bounds). */
export type TensorFormat = 'aprt' | 'npy';
const EXTENSION = { aprt: 'bin', npy: 'npy' } as const satisfies Record<TensorFormat, string>;
const BOUND = 'bound.npy';

/** What a folder or archive holds. */
export interface ReadFiles {
  /** One for each engine folder, in order of folder name. */
  readonly traces: readonly Trace[];
  /** Files that are no part of a trace, so that nothing is dropped silently. */
  readonly ignored: readonly string[];
}

/**
 * Traces as files by path: `<engine>/layer-<N>/<stage>.bin` (or `.npy`, and `.bound.npy` where a capture has a bound), and a `trace.json` with
 * the provenance, positions and shapes. Bounds are not part of the APRT format.
 * @throws TracerError `trace-format` when two traces are of the same engine and mode.
 */
export function tracesToFiles(traces: readonly Trace[], format: TensorFormat): FileTree {
  const files = new Map<string, Uint8Array>();
  const folders = traces.map((trace) => engineFolder(trace.provenance));
  const twice = folders.find((folder, i) => folders.indexOf(folder) !== i);
  if (twice !== undefined) throw formatError('traces to save', 'one for each engine and mode', `two for ${twice}`);
  for (const trace of traces) for (const [path, bytes] of tensorFiles(trace, format)) files.set(path, bytes);
  files.set(INDEX_FILE, new TextEncoder().encode(treeIndex(traces)));
  return files;
}

/** The tensor files of one trace, made one at a time, so that a large trace can be written file by file. */
export function* tensorFiles(
  trace: Trace,
  format: TensorFormat,
): Generator<readonly [string, Uint8Array<ArrayBuffer>]> {
  const folder = engineFolder(trace.provenance);
  for (const captured of filedCaptures(trace.captures.values(), isUnplaced(trace))) {
    const path = aprPath(folder, captured.stage, captured.layer, EXTENSION[format]);
    if (format === 'aprt') {
      yield [path, encodeAprt(fileLayer(captured.stage, captured.layer), captured.data)];
      continue;
    }
    yield [path, encodeNpy(npyOf(captured))];
    if (captured.bound !== undefined) {
      const boundPath = aprPath(folder, captured.stage, captured.layer, BOUND);
      yield [boundPath, encodeNpy({ type: 'f4', shape: captured.shape, data: captured.bound })];
    }
  }
}

/** The text of `trace.json` for these traces, and for `others`: entries of a `trace.json` whose folders stay where they are. */
export function treeIndex(traces: readonly Trace[], others: readonly unknown[] = []): string {
  const entries = traces.map((trace) => ({
    folder: engineFolder(trace.provenance),
    provenance: trace.provenance,
    taps: [...filedCaptures(trace.captures.values(), isUnplaced(trace))].flatMap((captured) =>
      isUnplaced(trace)(captured) ? [] : [captureHeader(captured)],
    ),
  }));
  return JSON.stringify({ schema: TREE_SCHEMA, traces: [...entries, ...others] }, undefined, 1);
}

function isUnplaced(trace: Trace): (captured: Capture) => boolean {
  return (captured) => trace.unplaced.has(locationKey(captured.layer, captured.stage));
}

/** The entries of a `trace.json` by the folder that each describes. @throws TracerError `trace-format` */
export function indexEntries(bytes: Uint8Array, place: string): ReadonlyMap<string, unknown> {
  const entries = elements(member(readIndex(bytes, place), 'traces'));
  return new Map(entries.map((entry) => [text(member(entry, 'folder')), entry.value]));
}

/** The text of `trace.json` while the trace is being written, so that a reader sees that it is not finished. */
export function unfinishedIndex(): string {
  return JSON.stringify({ schema: TREE_SCHEMA, unfinished: true, traces: [] });
}

/**
 * Reads a saved folder or archive: APRT or NumPy files, one engine a folder, with or without folders above them. Without `trace.json` (a
 * foreign dump) the engine is the folder's name; NumPy arrays sit at positions 0, 1, ...; APRT tensors are left unplaced.
 * @throws TracerError `trace-format` naming the file; also when nothing in it is a tensor.
 */
export function filesToTraces(files: FileTree, place: string): ReadFiles {
  const described = readIndexes(files, place);
  const ignored: string[] = [];
  const bounds = new Map<string, Float32Array<ArrayBuffer>>();
  const groups = new Map<string, { captures: Map<string, Capture>; unplaced: Set<string> }>();
  for (const path of files.keys()) {
    const at = `${place}: ${path}`;
    const bytes = (): Uint8Array => files.get(path) ?? new Uint8Array(0);
    const bound = parseAprPath(path, BOUND);
    if (bound !== undefined) {
      bounds.set(`${bound.folder}|${locationKey(bound.layer, bound.stage)}`, npyFloats(openNpy(bytes(), at), at));
      continue;
    }
    const isNpy = path.endsWith('.npy');
    const named = parseAprPath(path, isNpy ? 'npy' : 'bin');
    if (named === undefined) {
      if (!isIndex(path)) ignored.push(path);
      continue;
    }
    const key = locationKey(named.layer, named.stage);
    const group = groups.get(named.folder) ?? { captures: new Map<string, Capture>(), unplaced: new Set<string>() };
    groups.set(named.folder, group);
    if (group.captures.has(key)) throw formatError(at, `one file for ${key}`, 'a second one');
    const known = described.get(named.folder)?.captures.get(key);
    const captured = isNpy
      ? npyCapture(named, known, openNpy(bytes(), at), at)
      : aprtCapture(named, known, bytes(), at);
    const isPlaced = isNpy || known !== undefined;
    group.captures.set(key, checkCapture(isPlaced ? fromFiled(captured) : captured, at));
    if (!isPlaced) group.unplaced.add(key);
  }
  if (groups.size === 0) throw formatError(place, 'tensors at <engine>/layer-<N>/<stage>.bin or .npy', 'none');
  const traces = [...groups]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([folder, { captures, unplaced }]) => {
      const bounded = [...captures].map(([key, captured]) =>
        withBound(captured, bounds.get(`${folder}|${key}`), `${place}: ${key}`),
      );
      const provenance: Provenance = described.get(folder)?.provenance ?? engineOfFolder(folder);
      const placed = bounded.filter((captured) => !unplaced.has(locationKey(captured.layer, captured.stage)));
      const widths = projectionWidths(provenance.hparams, placed);
      const split = bounded.flatMap((captured) => {
        const parts = described.get(folder)?.captures.get(locationKey(captured.layer, captured.stage))?.parts;
        return splitProjections([captured], parts ?? widths);
      });
      return createTrace(provenance, split, unplaced);
    });
  return { traces, ignored };
}

interface Described {
  readonly provenance: Provenance;
  readonly captures: ReadonlyMap<string, Omit<FiledCapture, 'data'>>;
}

type Named = Pick<Capture, 'stage' | 'layer'>;

function isIndex(path: string): boolean {
  return path === INDEX_FILE || path.endsWith(`/${INDEX_FILE}`);
}

/** What every `trace.json` says, by the whole path of the engine's folder. */
function readIndexes(files: FileTree, place: string): ReadonlyMap<string, Described> {
  const described = new Map<string, Described>();
  for (const path of files.keys()) {
    if (!isIndex(path)) continue;
    const parent = path.slice(0, -INDEX_FILE.length);
    const document = readIndex(files.get(path) ?? new Uint8Array(0), `${place}: ${path}`);
    for (const entry of elements(member(document, 'traces'))) {
      const headers = elements(member(entry, 'taps')).map(readCaptureHeader);
      described.set(`${parent}${text(member(entry, 'folder'))}`, {
        provenance: readProvenance(member(entry, 'provenance')),
        captures: new Map(headers.map((header) => [locationKey(header.layer, header.stage), header])),
      });
    }
  }
  return described;
}

/** The document of a `trace.json`. @throws TracerError `trace-format`, also where the trace beside it is not whole */
export function readIndex(bytes: Uint8Array, place: string): Field {
  const document = parseJson(new TextDecoder().decode(bytes), place);
  checkSchema(document, TREE_SCHEMA);
  if (member(document, 'unfinished').value === true) {
    const remedy = 'The run that was writing it has not ended, or was ended. Save the trace again.';
    throw formatError(place, 'a finished trace', 'one that is not whole', remedy);
  }
  return document;
}

function aprtCapture(
  { stage, layer }: Named,
  known: Omit<Capture, 'data'> | undefined,
  bytes: Uint8Array,
  place: string,
): Capture {
  const tensor = decodeAprt(bytes, place);
  const filed = fileLayer(stage, layer);
  const agrees = tensor.layer === filed || (stage === EMBEDDING && tensor.layer === undefined);
  if (!agrees)
    throw formatError(`${place}, layer`, String(filed ?? 'whole-model'), String(tensor.layer ?? 'whole-model'));
  const { buffer } = tensor.data;
  const isIndex = stageSpec(stage).values === 'index';
  const data = isIndex ? expertIds(tensor.data, place, new Uint32Array(buffer)) : tensor.data;
  const layout = known ?? { positions: [0], shape: singleRow(stage, data.length) };
  return { stage, layer, positions: layout.positions, shape: layout.shape, data };
}

function npyCapture(
  { stage, layer }: Named,
  known: Omit<Capture, 'data'> | undefined,
  file: NpyFile,
  place: string,
): Capture {
  const data = stageSpec(stage).values === 'index' ? npyIds(file, place) : npyFloats(file, place);
  const rows = file.shape[filedPositionAxis(stage)] ?? 0;
  const positions = known?.positions ?? Array.from({ length: rows }, (_, i) => i);
  return { stage, layer, positions, shape: file.shape, data };
}

function npyOf(captured: Capture): NpyArray {
  return captured.data instanceof Uint32Array
    ? { type: 'u4', shape: captured.shape, data: captured.data }
    : { type: 'f4', shape: captured.shape, data: captured.data };
}

function withBound(captured: Capture, bound: Float32Array<ArrayBuffer> | undefined, place: string): Capture {
  if (bound === undefined) return captured;
  const [tokens = 0, heads = 0, keys = 0] = captured.shape;
  const isSwapped = isHeadsFirst(captured.stage) && bound.length === captured.data.length;
  return checkCapture({ ...captured, bound: isSwapped ? swapLeadingAxes(bound, heads, tokens, keys) : bound }, place);
}
