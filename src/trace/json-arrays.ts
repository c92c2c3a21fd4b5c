import type { StoredArray } from './array-types';
import { formatError, shown } from './format-error';
import { member, parseJson } from './json-fields';

const MOST_AXES = 8;
const NOT_FINITE: ReadonlyMap<unknown, number> = new Map<unknown, number>([
  ['NaN', NaN],
  ['Infinity', Infinity],
  ['-Infinity', -Infinity],
]);

/**
 * The arrays of a JSON object whose members are nested lists of numbers: `{"l_out-0": [[0.1, 0.2], [0.3, 0.4]]}`. What is not finite stands as
 * "NaN", "Infinity" or "-Infinity".
 * @throws TracerError `trace-format` naming the member: lists of different lengths side by side, words among the numbers
 */
export function readJsonArrays(json: string, place: string): ReadonlyMap<string, StoredArray> {
  const document = parseJson(json, place);
  const arrays = new Map<string, StoredArray>();
  if (typeof document.value !== 'object' || document.value === null)
    throw formatError(place, 'an object', shown(document.value));
  for (const name of Object.keys(document.value)) {
    const { value, place: at } = member(document, name);
    if (Array.isArray(value)) arrays.set(name, nested(value, at));
  }
  return arrays;
}

function nested(value: readonly unknown[], place: string): StoredArray {
  const shape: number[] = [];
  for (let inner: unknown = value; Array.isArray(inner); inner = (inner as readonly unknown[])[0])
    shape.push(inner.length);
  if (shape.length > MOST_AXES) throw formatError(place, `at most ${MOST_AXES} axes`, `${shape.length}`);
  const flat: number[] = [];
  const walk = (list: unknown, axis: number): void => {
    if (axis === shape.length) {
      const number = typeof list === 'number' ? list : NOT_FINITE.get(list);
      if (number === undefined) throw formatError(place, 'numbers', shown(list));
      flat.push(number);
      return;
    }
    if (!Array.isArray(list) || list.length !== shape[axis])
      throw formatError(place, `lists of ${shape[axis] ?? 0}`, shown(list));
    for (const item of list as readonly unknown[]) walk(item, axis + 1);
  };
  walk(value, 0);
  const data = Float64Array.from(flat);
  return {
    type: 'f8',
    shape,
    count: flat.length,
    bytes: new Uint8Array(data.buffer),
    bigEndian: false,
    columnMajor: false,
  };
}
