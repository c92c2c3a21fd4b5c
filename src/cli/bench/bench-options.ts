import { parseWhole } from '../make-model/make-model-options';
import { parseChoice, type DefaultedOption } from '../command-line/option';

/** The options of `bench`. */
export const ARM: DefaultedOption<'gpu' | 'cpu'> = {
  name: 'arm',
  placeholder: 'ARM',
  help: 'which side runs: gpu, or cpu, the reference',
  parse: parseChoice(['gpu', 'cpu']),
  byDefault: 'gpu',
};
export const PROMPT_TOKENS = count('prompt-tokens', 'tokens of the prompt', '512');
export const NEW_TOKENS = count('new-tokens', 'tokens decoded after it, and as many traced ones', '64');
export const REPEATS = count('repeats', 'how often the prompt is repeated', '3');

function count(name: string, help: string, byDefault: string): DefaultedOption<number> {
  return { name, placeholder: 'N', help, parse: parseWhole(1), byDefault };
}
