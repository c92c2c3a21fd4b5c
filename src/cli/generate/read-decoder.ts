import { fail } from '../../base/errors';
import type { DecoderChoice } from '../../session/decoded-by';
import { ARM } from '../bench/bench-options';
import type { Arguments } from '../command-line/arguments';
import { DECODER } from './generate-options';

/** What makes the tokens. @throws TracerError `usage` where a decoder is asked for and the reference is to run */
export function readDecoder(args: Arguments): { readonly arm: 'gpu' | 'cpu'; readonly decoder: DecoderChoice } {
  const [arm, decoder] = [args.get(ARM), args.get(DECODER)];
  if (arm === 'gpu' || decoder === 'auto') return { arm, decoder };
  throw fail('usage', '--decoder is for the GPU; --arm cpu has one only.', 'Leave one of them out.', { decoder });
}
