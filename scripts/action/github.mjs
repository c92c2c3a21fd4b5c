// How a step speaks with GitHub: inputs, outputs, the job's summary, annotations. Documented as "Workflow commands for GitHub Actions".
import { appendFileSync } from 'node:fs';
import { SetupError } from '../lib/process.mjs';

/**
 * An input as GitHub hands it on: INPUT_<NAME>.
 * @param {string} name
 * @returns {string} without blanks round it; empty where it is not given
 */
export function input(name) {
  return (process.env[`INPUT_${name.replaceAll('-', '_').toUpperCase()}`] ?? '').trim();
}

/**
 * An input that is true or false, as YAML writes them.
 * @param {string} name
 * @returns {boolean}
 * @throws {SetupError} for anything else: a misspelt one must not be taken for false
 */
export function booleanInput(name) {
  const value = input(name);
  if (/^(?:true|True|TRUE)$/.test(value)) return true;
  if (value === '' || /^(?:false|False|FALSE)$/.test(value)) return false;
  throw new SetupError(`The input ${name} is "${shown(value)}".`, "Give 'true' or 'false'.");
}

/**
 * The lines of an input that hold something.
 * @param {string} name
 * @returns {readonly string[]}
 */
export function inputLines(name) {
  return input(name)
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
}

/**
 * @param {string} name
 * @param {string} value one line
 */
export function setOutput(name, value) {
  appendTo('GITHUB_OUTPUT', `${name}=${shown(value)}\n`);
}

/** @param {string} markdown */
export function addSummary(markdown) {
  appendTo('GITHUB_STEP_SUMMARY', `${markdown}\n`);
}

/**
 * Shows a line at the head of the job.
 * @param {'error' | 'notice'} kind
 * @param {string} text
 */
export function annotate(kind, text) {
  const escaped = shown(text).replaceAll('%', '%25');
  process.stdout.write(`::${kind} title=MoEscope::${escaped}\n`);
}

/**
 * Nothing happens where there is no such file: outside of GitHub.
 * @param {string} variable
 * @param {string} text
 */
function appendTo(variable, text) {
  const file = process.env[variable];
  if (file !== undefined && file !== '') appendFileSync(file, text);
}

/**
 * A text on one line, with what a log or a runner would obey made visible. What MoEscope prints has passed its own gate (src/base/foreign-text.ts); this is for
 * inputs and paths.
 * @param {string} text
 * @returns {string}
 */
export function shown(text) {
  return text.replace(
    /[\p{Cc}\p{Cs}\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff]/gu,
    (c) => `\\u${(c.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`,
  );
}
