import type { Capture } from '../model/engine';
import { engineFolder } from './apr-path';
import { filedPositionAxis, toFiled } from './filed-layout';
import type { Trace } from './trace';

export const CSV_COLUMNS = ['arm', 'layer', 'stage', 'position', 'i', 'j', 'value'] as const;
/** Enough decimal digits for every f32 to be read back exactly. */
const F32_DIGITS = 9;
/** Rows in one piece of text. */
const ROWS_A_CHUNK = 4096;

/**
 * Traces in long form, in pieces: a header, then one row an element. `position` is the prompt position; `i` and `j` are the other axes
 * in the stage table's order (`j` empty where there is one): (channel), (head, channel), (slot, channel), (head, key). `layer` is empty
 * for whole-model stages; isolated engines are named as their folders. NaN, Infinity and -Infinity are written so.
 */
export function* tracesToCsv(traces: readonly Trace[]): Generator<string> {
  yield `${CSV_COLUMNS.join(',')}\n`;
  for (const trace of traces) {
    const engine = quote(engineFolder(trace.provenance));
    for (const captured of trace.captures.values()) yield* captureRows(engine, toFiled(captured));
  }
}

function* captureRows(engine: string, captured: Capture): Generator<string> {
  const axis = filedPositionAxis(captured.stage);
  const prefix = `${engine},${captured.layer ?? ''},${captured.stage}`;
  let rows: string[] = [];
  for (let flat = 0; flat < captured.data.length; flat++) {
    const at = unravel(flat, captured.shape);
    const position = captured.positions[at[axis] ?? 0] ?? '';
    const [i = '', j = ''] = at.filter((_, k) => k !== axis);
    rows.push(`${prefix},${position},${i},${j},${decimal(captured.data[flat] ?? NaN)}\n`);
    if (rows.length === ROWS_A_CHUNK) {
      yield rows.join('');
      rows = [];
    }
  }
  if (rows.length > 0) yield rows.join('');
}

/** The shortest of the two usual decimal forms that reads back as the same f32. */
function decimal(x: number): string {
  return Number.isInteger(x) && !Object.is(x, -0)
    ? String(x)
    : Object.is(x, -0)
      ? '-0'
      : String(Number(x.toPrecision(F32_DIGITS)));
}

function unravel(flat: number, shape: readonly number[]): number[] {
  const at = new Array<number>(shape.length).fill(0);
  let rest = flat;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    const length = shape[axis] ?? 1;
    at[axis] = rest % length;
    rest = Math.floor(rest / length);
  }
  return at;
}

function quote(value: string): string {
  return /[",\r\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value;
}
