import { formatError } from './format-error';

/** Looks at a value that a stranger wrote. @throws TracerError `trace-format` naming the place. */
export type Check = (value: unknown, place: string) => void;

/** Whole numbers from `min` to `max`. */
export function whole(max: number, min = 0): Check {
  return (value, place) => {
    if (typeof value !== 'number' || !Number.isInteger(value) || value < min || value > max) {
      throw formatError(place, `a whole number from ${min} to ${max}`, shown(value));
    }
  };
}

/** Any number, also one that is not finite. */
export const number: Check = (value, place) => {
  if (typeof value !== 'number') throw formatError(place, 'a number', shown(value));
};

/** A finite number from `min` to `max`. */
export function finite(min: number, max: number): Check {
  return (value, place) => {
    if (typeof value !== 'number' || !(value >= min && value <= max)) {
      throw formatError(place, `a number from ${min} to ${max}`, shown(value));
    }
  };
}

export const flag: Check = (value, place) => {
  if (typeof value !== 'boolean') throw formatError(place, 'true or false', shown(value));
};

export function text(maxLength: number): Check {
  return (value, place) => {
    if (typeof value !== 'string') throw formatError(place, 'text', shown(value));
    if (value.length > maxLength) throw formatError(place, `at most ${maxLength} characters`, `${value.length}`);
  };
}

export function oneOf(choices: readonly string[]): Check {
  const known = new Set<unknown>(choices);
  return (value, place) => {
    if (!known.has(value)) throw formatError(place, `one of ${choices.slice(0, 6).join(', ')} ...`, shown(value));
  };
}

export function list(item: Check, maxLength: number): Check {
  return (value, place) => {
    if (!Array.isArray(value)) throw formatError(place, 'a list', shown(value));
    if (value.length > maxLength) throw formatError(place, `at most ${maxLength} entries`, `${value.length}`);
    for (let i = 0; i < value.length; i++) item(value[i], `${place}[${i}]`);
  };
}

export function optional(check: Check): Check {
  return (value, place) => {
    if (value !== undefined) check(value, place);
  };
}

/** An object with these members; others are let through, so that additions of later versions can be read. */
export function record(members: Readonly<Record<string, Check>>): Check {
  const entries = Object.entries(members);
  return (value, place) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw formatError(place, 'an object', shown(value));
    }
    for (const [name, check] of entries) check(Reflect.get(value, name), `${place}.${name}`);
  };
}

/** An object used as a dictionary. */
export function dictionary(item: Check, maxEntries: number): Check {
  return (value, place) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw formatError(place, 'an object', shown(value));
    }
    const entries = Object.entries(value);
    if (entries.length > maxEntries) throw formatError(place, `at most ${maxEntries} members`, `${entries.length}`);
    for (const [name, entry] of entries) item(entry, `${place}.${name.slice(0, 40)}`);
  };
}

function shown(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object' && value !== null) return 'an object';
  return String(value).slice(0, 60);
}
