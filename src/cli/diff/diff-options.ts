import { badValue, parseChoice, parseText, type DefaultedOption, type Flag, type Option } from '../command-line/option';

export const ENGINE_A: Option<string> = {
  name: 'engine-a',
  was: 'arm-a',
  placeholder: 'NAME',
  help: 'the engine of A, where it holds several: gpu (free-running, and isolated where it is there) or gpu-isolated',
  parse: parseText,
};
export const ENGINE_B: Option<string> = {
  ...ENGINE_A,
  name: 'engine-b',
  was: 'arm-b',
  help: 'the engine of B, which is the reference',
};
export const COSINE: Option<number> = {
  name: 'cosine',
  placeholder: 'X',
  help: 'cosine of one position below which free-running values diverge; default: 0.99',
  parse: parseCosine,
};
export const DIFF_FORMAT: DefaultedOption<'text' | 'json' | 'apr'> = {
  name: 'format',
  placeholder: 'FORMAT',
  help: 'what goes to standard output: text, json, or apr (apr-stage-diff-v1, of two APRT files)',
  parse: parseChoice(['text', 'json', 'apr']),
  byDefault: 'text',
};
export const DIFF_FORCE: Flag = { name: 'force', help: 'compare although the models or the tokens differ' };
export const COMMON: Flag = {
  name: 'common',
  help: 'compare what both hold; without it, a stage or layer that only one holds makes the comparison incomplete',
};

function parseCosine(raw: string, flag: string): number {
  const value = Number(raw);
  if (raw.trim() === '' || !(value >= -1 && value <= 1)) throw badValue(flag, raw, 'a number from -1 to 1');
  return value;
}
