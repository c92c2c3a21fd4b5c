import type { Capture } from '../model/engine';
import { findStage, stageSpec, type StageId } from '../model/stages';
import { engineOfFolder } from './apr-path';
import { cellNumber, csvDialect, rowCells, type CsvDialect } from './csv-dialect';
import { projectionWidths, splitProjections } from './filed-layout';
import { formatError, shown } from './format-error';
import { checkCapture, expertIds, positionAxis } from './stage-layout';
import { createTrace, type Trace } from './trace';
import { locationKey } from '../model/location';

/** A capture while its rows come in: values by index, to be laid out once all lengths are known. */
interface Growing {
  readonly stage: StageId;
  readonly layer: number | undefined;
  /** Axes in the stage's order but the position's, one entry a row. */
  readonly others: readonly number[][];
  readonly positions: number[];
  readonly values: number[];
}

/** Whether the bytes begin with the header of a trace in long form, in any of the dialects that are read. */
export function isTraceCsv(bytes: Uint8Array): boolean {
  return csvDialect(bytes) !== undefined;
}

/**
 * Reads traces in long form, as {@link CSV_COLUMNS} says: one trace an engine, shapes from the largest indices, every element once. A NaN
 * comes back as the canonical NaN; every other f32 exactly. Provenance is the engine's name.
 * @throws TracerError `trace-format` naming the line.
 */
export function csvToTraces(bytes: Uint8Array, place: string): readonly Trace[] {
  const dialect = csvDialect(bytes);
  if (dialect === undefined) throw formatError(place, 'the header of a trace in long form', 'another beginning');
  const text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);
  const engines = new Map<string, Map<string, Growing>>();
  let line = 0;
  for (let at = dialect.skip; at < text.length;) {
    const found = text.indexOf('\n', at);
    const end = found < 0 ? text.length : found;
    const row = text.slice(at, text.charCodeAt(end - 1) === 13 ? end - 1 : end);
    at = end + 1;
    line++;
    if (line > 1 && row !== '')
      addRow(engines, rowCells(row, dialect, `${place}, line ${line}`), dialect, `${place}, line ${line}`);
  }
  if (engines.size === 0) throw formatError(place, 'rows below the header', 'none');
  return [...engines].map(([folder, growing]) => {
    const captures = [...growing].map(([key, captured]) => layOut(captured, `${place}: ${folder}, ${key}`));
    return createTrace(engineOfFolder(folder), splitProjections(captures, projectionWidths(undefined, captures)));
  });
}

function addRow(
  engines: Map<string, Map<string, Growing>>,
  cells: readonly string[],
  dialect: CsvDialect,
  place: string,
): void {
  const [folder = '', layerText = '', stageText = '', position = '', i = '', j = '', value = ''] = cells;
  const stage = findStage(stageText);
  if (stage === undefined) throw formatError(place, 'a stage of the stage table', shown(stageText));
  const layer = layerText === '' ? undefined : whole(layerText, place);
  const captures = engines.get(folder) ?? new Map<string, Growing>();
  engines.set(folder, captures);
  const key = locationKey(layer, stage);
  const rank = Math.max(1, (stageSpec(stage).shape.length || 2) - 1);
  const captured = captures.get(key) ?? {
    stage,
    layer,
    positions: [],
    values: [],
    others: Array.from({ length: rank }, () => []),
  };
  captures.set(key, captured);
  captured.positions.push(whole(position, place));
  captured.values.push(cellNumber(value, dialect, place));
  captured.others[0]?.push(whole(i, place));
  if (rank > 1) captured.others[1]?.push(whole(j, place));
}

/** Shape from the largest index of each axis; every element must be there once. */
function layOut(captured: Growing, place: string): Capture {
  const { stage, layer } = captured;
  const positions = [...new Set(captured.positions)].sort((x, y) => x - y);
  const rowOf = new Map(positions.map((position, row) => [position, row]));
  const lengths = captured.others.map((axis) => axis.reduce((n, index) => Math.max(n, index + 1), 0));
  const axis = positionAxis(stage);
  const shape = lengths.toSpliced(axis, 0, positions.length);
  const count = shape.reduce((a, b) => a * b, 1);
  if (count !== captured.values.length) {
    throw formatError(place, `${count} rows for shape [${shape.join(', ')}]`, `${captured.values.length}`);
  }
  const values = new Float64Array(count);
  const seen = new Uint8Array(count);
  for (const [row, value] of captured.values.entries()) {
    const at = captured.others
      .map((indices) => indices[row] ?? 0)
      .toSpliced(axis, 0, rowOf.get(captured.positions[row] ?? 0) ?? 0);
    const flat = at.reduce((sum, index, k) => sum * (shape[k] ?? 1) + index, 0);
    if (seen[flat] !== 0) throw formatError(place, 'every element once', `index [${at.join(', ')}] twice`);
    seen[flat] = 1;
    values[flat] = value;
  }
  const data = stageSpec(stage).values === 'index' ? expertIds(values, place) : Float32Array.from(values);
  return checkCapture({ stage, layer, positions, shape, data }, place);
}

function whole(cell: string, place: string): number {
  if (!/^\d{1,10}$/.test(cell)) throw formatError(place, 'a whole number', shown(cell));
  return Number(cell);
}
