import { formatError } from './format-error';

/*
 * What llama.cpp prints of its graph: `llama-eval-callback`, and the debug callback of other examples. One block a tensor:
 *
 *   ggml_debug:   ffn_moe_topk-0 = (i32) VIEW(ffn_moe_argsort-0{8, 6, 1, 1}, }) = {2, 6, 1, 1}
 *      [
 *       [
 *        [ 5, 2],
 *       ],
 *      ]
 *      sum = 30
 *
 * Numbers have four decimals, and of each axis only the first three and the last three entries are printed, with `...` between.
 */

/** One printed tensor. */
export interface PrintedTensor {
  /** As in llama.cpp's graph, `ffn_moe_topk-0`. */
  readonly name: string;
  /** ggml's type: `f32`, `i32`. */
  readonly type: string;
  readonly op: string;
  /** C order: the reverse of ggml's `ne`. */
  readonly shape: readonly [number, number, number, number];
  /** Values by their index in C order; those that were not printed are absent. */
  readonly values: ReadonlyMap<number, number>;
  /** Whether all of them were printed. */
  readonly isWhole: boolean;
}

/** `name = (type) OP(...) = {ne}`, with whatever the program prints before. */
const HEADER = /(?:^|:|\s)\s*(\S+(?: \([a-z]+\))*) = \((\w+)\)\s+(\w+)\(.*\) = \{(\d+), (\d+), (\d+), (\d+)\}\s*$/;
/** Decimals of a printed value. */
export const PRINTED_DECIMALS = 4;
const ELLIPSIS = '...';
/** Characters of one line: a row prints six numbers; small arrays are printed whole. */
const MOST_IN_LINE = 1_000_000;
const MOST_TENSORS = 1_000_000;
const LONGEST_HEADER = 2000;

/** Whether a text holds a printed tensor near its beginning. */
export function isPrintedText(head: string): boolean {
  return head.split('\n').some((line) => headerOf(line) !== null);
}

/**
 * The tensors of a printed text, in its order. Lines that belong to none are passed over.
 * @throws TracerError `trace-format` naming the line: brackets that do not close, more entries than the header says, words in place of numbers
 */
export function readPrintedText(text: string, place: string): readonly PrintedTensor[] {
  const tensors: PrintedTensor[] = [];
  let open: Block | undefined;
  let number = 0;
  for (const raw of lines(text)) {
    number++;
    const at = `${place}, line ${number}`;
    if (raw.length > MOST_IN_LINE) throw formatError(at, `at most ${MOST_IN_LINE} characters`, `${raw.length}`);
    const line = raw.trimEnd();
    const header = headerOf(line);
    if (header !== null) {
      if (open !== undefined) tensors.push(open.end(at));
      open = new Block(header);
    } else if (open !== undefined) {
      if (/^\s*sum\s*=/.test(line)) {
        if (!open.isFull) continue;
        tensors.push(open.end(at));
        open = undefined;
      } else {
        open.add(line, at);
      }
    }
    if (tensors.length > MOST_TENSORS) throw formatError(at, `at most ${MOST_TENSORS} tensors`, 'more');
  }
  if (open !== undefined) tensors.push(open.end(`${place}, its end`));
  return tensors;
}

/** Entries of one axis: rows of numbers, or further axes. */
interface Entries<T> {
  readonly items: T[];
  /** How many stand before `...`; undefined where all are printed. */
  gap: number | undefined;
}
type Row = Entries<number>;
type Plane = Entries<Row>;
type Cube = Entries<Plane>;

/** The header on a line; the names of a graph are short. */
function headerOf(line: string): RegExpExecArray | null {
  return line.length > LONGEST_HEADER ? null : HEADER.exec(line.trimEnd());
}

/** A tensor while its lines come in. */
class Block {
  readonly #name: string;
  readonly #type: string;
  readonly #op: string;
  readonly #shape: readonly [number, number, number, number];
  /** One a slowest index: each is printed as a cube of its own, with its sum. */
  readonly #cubes: Cube[] = [];
  /** Brackets that are open. */
  #depth = 0;

  constructor([, name = '', type = '', op = '', ...ne]: RegExpExecArray) {
    this.#name = name;
    this.#type = type;
    this.#op = op;
    const [n0 = 1, n1 = 1, n2 = 1, n3 = 1] = ne.map(Number);
    this.#shape = [n3, n2, n1, n0];
  }

  /** Whether all cubes have come. */
  get isFull(): boolean {
    return this.#cubes.length >= this.#shape[0];
  }

  add(line: string, place: string): void {
    const text = line.trim();
    const [cube] = this.#cubes.slice(-1);
    const plane = cube?.items.at(-1);
    if (text === '') return;
    if (text === '[' && this.#depth < 2) {
      const entries = { items: [], gap: undefined };
      if (this.#depth === 0) this.#cubes.push(entries);
      else cube?.items.push(entries);
      this.#depth++;
    } else if (/^\],?$/.test(text) && this.#depth > 0) {
      this.#depth--;
    } else if (/^\.\.\.,?$/.test(text) && this.#depth > 0) {
      const entries = this.#depth === 1 ? cube : plane;
      if (entries !== undefined) entries.gap ??= entries.items.length;
    } else {
      const row = /^\[(.*)\],?$/.exec(text)?.[1];
      if (row === undefined || this.#depth !== 2) throw formatError(place, 'a row of numbers in two brackets', text);
      plane?.items.push(readRow(row, place));
    }
  }

  end(place: string): PrintedTensor {
    if (this.#depth > 0) throw formatError(place, 'closing brackets', 'another tensor or the end');
    const [n3, n2, n1, n0] = this.#shape;
    const values = new Map<number, number>();
    each(this.#cubes, undefined, n3, place, (cube, i3) => {
      each(cube.items, cube.gap, n2, place, (plane, i2) => {
        each(plane.items, plane.gap, n1, place, (row, i1) => {
          each(row.items, row.gap, n0, place, (value, i0) => {
            values.set(((i3 * n2 + i2) * n1 + i1) * n0 + i0, value);
          });
        });
      });
    });
    return {
      name: this.#name,
      type: this.#type,
      op: this.#op,
      shape: this.#shape,
      values,
      isWhole: values.size === n3 * n2 * n1 * n0,
    };
  }
}

/** Calls with every entry and its index: those behind a gap are the last ones of the axis. */
function each<T>(
  items: readonly T[],
  gap: number | undefined,
  length: number,
  place: string,
  put: (item: T, index: number) => void,
): void {
  if (items.length > length || (gap === undefined && items.length !== length)) {
    throw formatError(place, `${length} entries as the header says`, `${items.length}`);
  }
  for (const [i, item] of items.entries()) put(item, gap === undefined || i < gap ? i : length - items.length + i);
}

/** `0.1234, -5.0000, ..., 2.0000` */
function readRow(text: string, place: string): Row {
  const row: Row = { items: [], gap: undefined };
  for (const cell of text.split(',')) {
    const word = cell.trim();
    if (word === '') continue;
    if (word === ELLIPSIS) {
      row.gap ??= row.items.length;
      continue;
    }
    const value = NOT_FINITE.get(word.toLowerCase()) ?? Number(word);
    if (Number.isNaN(value) && !NOT_FINITE.has(word.toLowerCase())) throw formatError(place, 'a number', word);
    row.items.push(value);
  }
  return row;
}

/** As C prints them. */
const NOT_FINITE: ReadonlyMap<string, number> = new Map([
  ['nan', NaN],
  ['-nan', NaN],
  ['inf', Infinity],
  ['-inf', -Infinity],
]);

function* lines(text: string): Generator<string> {
  for (let at = 0; at < text.length;) {
    const found = text.indexOf('\n', at);
    const end = found < 0 ? text.length : found;
    yield text.slice(at, end);
    at = end + 1;
  }
}
