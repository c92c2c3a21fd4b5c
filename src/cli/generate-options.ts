import { fail } from '../base/errors';
import { DECODERS, type DecoderChoice } from '../session/decoded-by';
import type { Arguments } from './arguments';
import { ARM } from './bench-options';
import { parseWhole } from './make-model-options';
import { parseChoice, parseTokens, type DefaultedOption, type Option } from './option';

/** What makes the tokens. @throws TracerError `usage` where a decoder is asked for and the reference is to run */
export function readDecoder(args: Arguments): { readonly arm: 'gpu' | 'cpu'; readonly decoder: DecoderChoice } {
  const [arm, decoder] = [args.get(ARM), args.get(DECODER)];
  if (arm === 'gpu' || decoder === 'auto') return { arm, decoder };
  throw fail('usage', '--decoder is for the GPU; --arm cpu has one way only.', 'Leave one of them out.', { decoder });
}

/** The options of `generate` that no other command has. */
export const COUNT: DefaultedOption<number> = {
  name: 'tokens',
  placeholder: 'N',
  help: 'most tokens to make; the end of the text ends it earlier',
  parse: parseWhole(1),
  byDefault: '128',
};
export const IDS: Option<readonly number[]> = {
  name: 'ids',
  placeholder: 'IDS',
  help: 'token ids instead of text: 9707,1917',
  parse: parseTokens,
};
export const DECODER: DefaultedOption<DecoderChoice> = {
  name: 'decoder',
  placeholder: 'WHICH',
  help: 'who makes the tokens behind the prompt on the GPU: fast (all weights resident, few dispatches), engine (the one that traces, layer by layer), auto (fast on hardware where the weights fit, else engine)',
  parse: parseChoice(DECODERS),
  byDefault: 'auto',
};
