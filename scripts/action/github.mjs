// How a step speaks with GitHub: inputs, outputs, the job's summary, annotations. Documented as "Workflow commands for GitHub Actions".
import { appendFileSync } from 'node:fs';

/**
 * An input as GitHub hands it on: INPUT_<NAME>.
 * @param {string} name
 * @returns {string} without blanks round it; empty where it is not given
 */
export function input(name) {
  return (process.env[`INPUT_${name.replaceAll('-', '_').toUpperCase()}`] ?? '').trim();
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
  appendTo('GITHUB_OUTPUT', `${name}=${value.replaceAll(/[\r\n]+/g, ' ')}\n`);
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
  const escaped = text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
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
