import { fail, type TracerError } from '../../base/errors';
import { inEngineOrder, engineOfName, MOST_ENGINES, ENGINE_NAMES, type RunEngineId } from '../../model/engines';
import { parseLiveEngine } from '../../model/live';

/** A command-line option that takes a value: how it is written, read and explained. */
export interface Option<T> {
  readonly name: string;
  /** An older name, still read. */
  readonly was?: string;
  /** What stands for the value in the help: TEXT, FILE, A..B. */
  readonly placeholder: string;
  readonly help: string;
  /** @throws TracerError `usage` */
  readonly parse: (raw: string, flag: string) => T;
  /** Words that shells complete, where the value may be others too. */
  readonly suggests?: readonly string[];
}

/** An option that always has a value. */
export interface DefaultedOption<T> extends Option<T> {
  /** As it would be typed. */
  readonly byDefault: string;
}

/** An option that may be given several times. */
export interface RepeatedOption<T> extends Option<T> {
  readonly repeats: true;
}

/** An option that is there or not. */
export interface Flag {
  readonly name: string;
  /** A single letter that stands for it. */
  readonly short?: string;
  readonly help: string;
}

export type AnyOption = Option<unknown> | DefaultedOption<unknown> | RepeatedOption<unknown> | Flag;

/** Whether the option takes a value. */
export function takesValue(option: AnyOption): option is Option<unknown> {
  return 'parse' in option;
}

/** The words of parsers that take nothing else. */
const choices = new WeakMap<object, readonly string[]>();

/** The words that an option takes, or suggests; undefined where there is no list of them. */
export function choicesOf(option: Option<unknown>): readonly string[] | undefined {
  return option.suggests ?? choices.get(option.parse);
}

/** The text as typed. */
export function parseText(raw: string): string {
  return raw;
}

/** One of a list of words. */
export function parseChoice<const W extends string>(words: readonly W[]): (raw: string, flag: string) => W {
  const parse = (raw: string, flag: string): W => {
    const word = words.find((candidate) => candidate === raw.trim().toLowerCase());
    if (word === undefined) throw badValue(flag, raw, `one of ${words.join(', ')}`);
    return word;
  };
  choices.set(parse, words);
  return parse;
}

/** An engine that runs here or a live one. @param names what the remedy lists */
export function parseEngine(raw: string, flag: string, names: readonly string[]): RunEngineId {
  const engine = parseLiveEngine(raw) ?? engineOfName(raw);
  if (engine === undefined) throw badValue(flag, raw, `one of ${names.join(', ')}`);
  return engine;
}

/** One engine or two, in the order of `ENGINES`: the reference last. */
export function parseEngines(raw: string, flag: string): readonly RunEngineId[] {
  const list = raw.split(',').map((word) => parseEngine(word, flag, ENGINE_NAMES));
  if (new Set(list).size !== list.length) throw badValue(flag, raw, 'each word once');
  if (list.length > MOST_ENGINES) throw badValue(flag, raw, 'at most two engines');
  return inEngineOrder(list);
}

/** A whole number from 0. */
export function parseCount(raw: string, flag: string): number {
  if (!/^\d{1,9}$/.test(raw.trim())) throw badValue(flag, raw, 'a whole number');
  return Number(raw);
}

/** Sizes in a GGUF file are u32, and signed in most readers. */
const MAX_WHOLE = 2 ** 31 - 1;

/** A whole number from `least`. */
export function parseWhole(least: number): (raw: string, flag: string) => number {
  return (raw, flag) => {
    const value = Number(raw);
    if (!/^\d+$/.test(raw) || value < least || value > MAX_WHOLE) {
      throw badValue(flag, raw, `a whole number from ${least} to ${MAX_WHOLE}`);
    }
    return value;
  };
}

/** Token ids: whole numbers from 0, separated by commas or blanks. */
export function parseTokens(raw: string, flag: string): readonly number[] {
  const words = raw.split(/[\s,]+/).filter((word) => word !== '');
  if (words.length === 0 || !words.every((word) => /^\d{1,9}$/.test(word))) {
    throw badValue(flag, raw, 'token ids, for example 9707,1917');
  }
  return words.map(Number);
}

const UNITS: ReadonlyMap<string, number> = new Map([
  ['', 1],
  ['k', 1e3],
  ['m', 1e6],
  ['g', 1e9],
  ['ki', 2 ** 10],
  ['mi', 2 ** 20],
  ['gi', 2 ** 30],
]);

/** Bytes: a number with an optional unit, decimal (MB) or binary (MiB); the B may be left out. */
export function parseBytes(raw: string, flag: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*([kmg]i?)?b?$/i.exec(raw.trim());
  const unit = UNITS.get(match?.[2]?.toLowerCase() ?? '');
  const bytes = Math.floor(Number(match?.[1]) * (unit ?? NaN));
  if (match === null || !Number.isSafeInteger(bytes) || bytes < 1) {
    throw badValue(flag, raw, 'a size such as 4GiB, 500MB or 1073741824');
  }
  return bytes;
}

/** A TCP port; 0 lets the system choose. */
export function parsePort(raw: string, flag: string): number {
  const port = Number(raw);
  if (!/^\d+$/.test(raw) || port > 65_535) throw badValue(flag, raw, 'a port from 0 to 65535');
  return port;
}

/** The error of a value that an option cannot have. */
export function badValue(flag: string, actual: string, expected: string): TracerError {
  return fail('usage', `${flag} cannot be "${actual}".`, `Give ${expected}.`, { option: flag, expected, actual });
}
