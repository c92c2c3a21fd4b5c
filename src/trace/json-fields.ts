import { reasonOf } from '../base/errors';
import { formatError, shown } from './format-error';

/** A parsed JSON value and where it stands, for reading files that others wrote. Every reader throws `trace-format` naming the place. */
export interface Field {
  readonly value: unknown;
  readonly place: string;
}

/** Parses JSON text. */
export function parseJson(text: string, place: string): Field {
  try {
    return { value: JSON.parse(text) as unknown, place };
  } catch (error) {
    throw formatError(place, 'JSON', reasonOf(error));
  }
}

/** A member of an object; its value is undefined where the object has none. */
export function member({ value, place }: Field, name: string): Field {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw formatError(place, 'an object', shown(value));
  }
  const entry: unknown = Object.hasOwn(value, name) ? Reflect.get(value, name) : undefined;
  return { value: entry, place: `${place}, ${name}` };
}

export function elements({ value, place }: Field): readonly Field[] {
  if (!Array.isArray(value)) throw formatError(place, 'an array', shown(value));
  return value.map((entry: unknown, i) => ({ value: entry, place: `${place}[${i}]` }));
}

export function text({ value, place }: Field): string {
  if (typeof value !== 'string') throw formatError(place, 'a string', shown(value));
  return value;
}

export function optionalText(field: Field): string | undefined {
  return field.value === undefined ? undefined : text(field);
}

/** A whole number from 0 to `max`. */
export function index({ value, place }: Field, max = 0xfffffffe): number {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 0 || value > max) {
    throw formatError(place, `a whole number from 0 to ${max}`, shown(value));
  }
  return value;
}

export function indices(field: Field): readonly number[] {
  return elements(field).map((entry) => index(entry));
}

/** A number that JSON can hold. */
export function number({ value, place }: Field): number {
  if (typeof value !== 'number') throw formatError(place, 'a number', shown(value));
  return value;
}

/** True or false. */
export function flag({ value, place }: Field): boolean {
  if (typeof value !== 'boolean') throw formatError(place, 'true or false', shown(value));
  return value;
}

/** An object whose members are all strings. */
export function textRecord({ value, place }: Field): Readonly<Record<string, string>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw formatError(place, 'an object', shown(value));
  }
  return Object.fromEntries(
    Object.entries(value).map(([key, entry]): [string, string] => [
      key,
      text({ value: entry, place: `${place}, ${key}` }),
    ]),
  );
}
