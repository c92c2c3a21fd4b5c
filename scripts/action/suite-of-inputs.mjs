// The inputs model, prompts, mode ... of the GitHub Action as a suite file.
import { createHash } from 'node:crypto';
import { basename, resolve } from 'node:path';
import { SetupError } from '../lib/process.mjs';
import { booleanInput, input, inputLines } from './github.mjs';

/** The model that comes with MoEscope; the command line knows where it lies. */
const SAMPLE = 'sample:';

/** Letters of a prompt in its id: enough to know it again. */
const SLUG = 24;

/**
 * The suite. Ids are made of file names and texts, so that baselines stay theirs when lines are added or moved.
 * @returns {object}
 * @throws {SetupError} without a model
 */
export function suiteOfInputs() {
  const models = inputLines('model').map((file) => ({
    id: modelId(file),
    file: /^https?:\/\//i.test(file) || file === SAMPLE ? file : resolve(file),
  }));
  if (models.length === 0) {
    throw new SetupError('There is nothing to run.', 'Give the action a model, a suite, or results to merge.');
  }
  const inject = inputLines('inject');
  return {
    schema: 'moescope-suite/1',
    models,
    prompts: inputLines('prompts').map(prompt),
    modes: inputLines('mode'),
    stages: input('stages') || 'all',
    layers: input('layers') || 'all',
    positions: input('positions') || 'all',
    ...(inject.length === 0 ? {} : { inject }),
  };
}

/**
 * @param {string} line
 * @returns {object}
 */
function prompt(line) {
  const list = /^tokens:(.*)$/i.exec(line)?.[1];
  const tokens = list?.split(/[\s,]+/).filter(Boolean);
  if (tokens !== undefined && (tokens.length === 0 || !tokens.every((token) => /^\d{1,9}$/.test(token)))) {
    throw new SetupError(
      `"${line}" begins as token ids do, and is none.`,
      "Give ids, for example 'tokens: 9707, 1917'; a text that begins so needs a suite file.",
    );
  }
  if (tokens !== undefined) return { id: idOf(`tokens-${tokens.join('-')}`, line), tokens: tokens.map(Number) };
  return { id: idOf(line, line), text: line, chat: booleanInput('chat') };
}

/**
 * `what-is-2-2-1f3b09`: legible, and no two the same.
 * @param {string} text
 * @param {string} line
 */
function idOf(text, line) {
  const hash = createHash('sha256').update(line).digest('hex').slice(0, 6);
  return `${slug(text.slice(0, SLUG))}-${hash}`.replace(/^-/, '');
}

/**
 * The name of a model in baselines and reports. One without Latin letters or digits is told apart by its hash.
 * @param {string} file path or address
 */
function modelId(file) {
  // The last part of an address without its query, which may be a signature.
  const name = basename(file.split(/[?#]/, 1)[0] ?? file).replace(/\.gguf.*$/i, '');
  const hash = createHash('sha256').update(name).digest('hex').slice(0, 6);
  return /[a-z0-9]/i.test(name) ? slug(name) : `model-${hash}`;
}

/** @param {string} text */
function slug(text) {
  return text
    .toLowerCase()
    .replaceAll(/[^a-z0-9_.]+/g, '-')
    .replaceAll(/^-|-$/g, '')
    .slice(0, 70);
}
