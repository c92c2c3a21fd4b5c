import {
  badValue,
  parseChoice,
  parseText,
  parseWhole,
  type DefaultedOption,
  type Option,
} from '../command-line/option';

/** The options of `bench`. */
export const ENGINE: DefaultedOption<'gpu' | 'cpu'> = {
  name: 'engine',
  was: 'arm',
  placeholder: 'ENGINE',
  help: 'which side runs: gpu, or cpu, the reference',
  parse: parseChoice(['gpu', 'cpu']),
  byDefault: 'gpu',
};
export const PROMPT_TOKENS = count('prompt-tokens', 'tokens of the prompt', '512');
export const NEW_TOKENS = count('new-tokens', 'tokens decoded after it, and as many traced ones', '64');
export const REPEATS = count('repeats', 'how often the prompt is repeated', '3');

export const COMPARE: Option<string> = {
  name: 'compare',
  placeholder: 'FILE',
  help: 'hold the rates to what an earlier bench --json wrote: of the same model, engine and adapter, with as many tokens',
  parse: parseText,
};
export const LIMIT: DefaultedOption<number> = {
  name: 'limit',
  placeholder: 'PERCENT',
  help: 'with --compare: how much slower a rate may be; one whose runs overlap with the earlier ones is not slower',
  parse: parsePercent,
  byDefault: '10',
};

function parsePercent(raw: string, flag: string): number {
  const percent = Number(raw.replace(/%$/, ''));
  if (!/^\d+(?:\.\d+)?%?$/.test(raw) || percent >= 100) throw badValue(flag, raw, 'a percentage below 100');
  return percent;
}

function count(name: string, help: string, byDefault: string): DefaultedOption<number> {
  return { name, placeholder: 'N', help, parse: parseWhole(1), byDefault };
}
