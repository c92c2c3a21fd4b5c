import { fail } from '../base/errors';
import { RUN_MODES } from '../divergence/run-mode';
import { MOST_ENGINES, ENGINE_IDS } from '../model/engines';
import { DECODERS } from './decoded-by';
import { ROUTINGS, type RunSpec } from './events';

/** What a program asks a page to run; what is left out is as on a fresh page. Give a prompt or tokens. */
export interface RunRequest extends Partial<Omit<RunSpec, 'tokens' | 'prompt' | 'live'>> {
  /** Text for the file's own tokenizer. */
  readonly prompt?: string;
  /** Wraps the prompt as one user turn of the file's chat template. */
  readonly chat?: boolean;
  readonly tokens?: readonly number[];
}

/** What each part of a request has to be; whether a range or a stage exists is for the run to say. */
const PARTS: {
  readonly [Part in keyof Required<RunRequest>]: readonly [expected: string, is: (x: unknown) => boolean];
} = {
  prompt: ['text', isText],
  chat: ['true or false', (x) => typeof x === 'boolean'],
  tokens: ['a list of whole numbers from 0', (x) => isList(x, (id) => Number.isSafeInteger(id) && Number(id) >= 0)],
  engines: [
    `one or two of ${ENGINE_IDS.join(', ')}`,
    (x) =>
      isList(x, (engine) => ENGINE_IDS.some((id) => id === engine)) &&
      x.length <= MOST_ENGINES &&
      new Set(x).size === x.length,
  ],
  mode: [`one of ${RUN_MODES.join(' ')}`, (x) => RUN_MODES.some((mode) => mode === x)],
  stages: ['text: all, or names separated by commas', isText],
  layers: ['text: all, A..B, or one number', isText],
  positions: ['text: all, last, A..B, or one number', isText],
  gpuBudget: ['a number of bytes', (x) => Number.isSafeInteger(x) && Number(x) > 0],
  cosineLimit: ['a number from -1 to 1', (x) => typeof x === 'number' && x >= -1 && x <= 1],
  decode: ['a whole number from 0', (x) => Number.isSafeInteger(x) && Number(x) >= 0],
  decoder: [`one of ${DECODERS.join(', ')}`, (x) => DECODERS.some((word) => word === x)],
  thorough: ['true or false', (x) => typeof x === 'boolean'],
  repeat: ['a whole number from 1', (x) => Number.isSafeInteger(x) && Number(x) >= 1],
  inject: ['a list of faults as text', (x) => Array.isArray(x) && x.every(isText)],
  routing: [`one of ${ROUTINGS.join(', ')}`, (x) => ROUTINGS.some((word) => word === x)],
};

/** Names of parts that are still read. */
const OLDER_NAMES: ReadonlyMap<string, string> = new Map([['arms', 'engines']]);

/**
 * Checks a request that a program made, which may be no TypeScript.
 * @returns the request without parts that are undefined: those count as left out
 * @throws TracerError `usage`: an unknown part, one of the wrong kind, or neither or both of prompt and tokens
 */
export function readRunRequest(request: object): RunRequest {
  const parts = Object.entries(request).flatMap(([name, value]): (readonly [string, unknown])[] =>
    value === undefined ? [] : [[OLDER_NAMES.get(name) ?? name, value]],
  );
  for (const [name, value] of parts) {
    const known = Object.entries(PARTS).find(([part]) => part === name)?.[1];
    if (known === undefined) {
      const expected = Object.keys(PARTS).join(', ');
      throw fail('usage', `A run has no "${name}".`, `Its parts are ${expected}.`, { actual: name, expected });
    }
    const [expected, is] = known;
    if (!is(value)) throw fail('usage', `${name} is not ${expected}.`, `Give ${expected}.`, { part: name, expected });
  }
  const given = parts.map(([name]) => name);
  if (given.includes('prompt') !== given.includes('tokens')) return Object.fromEntries(parts);
  const both = given.includes('prompt');
  throw fail(
    'usage',
    both ? 'A run takes a prompt or tokens, and not both.' : 'A run needs a prompt or tokens.',
    'Give { prompt } or { tokens }.',
  );
}

function isText(x: unknown): boolean {
  return typeof x === 'string';
}

function isList(x: unknown, is: (item: unknown) => boolean): x is readonly unknown[] {
  return Array.isArray(x) && x.length > 0 && x.every(is);
}
