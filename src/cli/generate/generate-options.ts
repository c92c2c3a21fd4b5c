import { fail } from '../../base/errors';
import { DECODERS, type DecoderChoice } from '../../session/decoded-by';
import { parseChoice, parseTokens, parseWhole, type DefaultedOption, type Option } from '../command-line/option';

/** The options of `generate` that no other command has. */
export const COUNT: DefaultedOption<number> = {
  name: 'tokens',
  placeholder: 'N',
  help: 'most tokens to make; the end of the text ends it earlier',
  parse: parseTokenCount,
  byDefault: '128',
};
const parseMost = parseWhole(1);

/** `--tokens` is ids elsewhere: what looks like them is told so. */
function parseTokenCount(raw: string, flag: string): number {
  if (!/^\s*\d+\s*[,\s]\s*\d/.test(raw)) return parseMost(raw, flag);
  throw fail('usage', `${flag} is how many tokens to make; "${raw}" looks like token ids.`, 'Give ids with --ids.', {
    option: flag,
    actual: raw,
  });
}

export const IDS: Option<readonly number[]> = {
  name: 'ids',
  placeholder: 'IDS',
  help: 'token ids instead of text: 9707,1917',
  parse: parseTokens,
};
export const DECODER: DefaultedOption<DecoderChoice> = {
  name: 'decoder',
  placeholder: 'WHICH',
  help: 'who makes the tokens behind the prompt on the GPU, and runs a prompt of up to 24 tokens: fast (all weights resident, few dispatches), engine (the one that traces, layer by layer), auto (fast on hardware where the weights fit, else engine)',
  parse: parseChoice(DECODERS),
  byDefault: 'auto',
};
