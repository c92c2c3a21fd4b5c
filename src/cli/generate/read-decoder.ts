import { fail } from '../../base/errors';
import type { DecoderChoice } from '../../session/decoded-by';
import { ENGINE } from '../bench/bench-options';
import type { Arguments } from '../command-line/arguments';
import { DECODER } from './generate-options';

/** What makes the tokens. @throws TracerError `usage` where a decoder is asked for and the reference is to run */
export function readDecoder(args: Arguments): { readonly engine: 'gpu' | 'cpu'; readonly decoder: DecoderChoice } {
  const [engine, decoder] = [args.get(ENGINE), args.get(DECODER)];
  if (engine === 'gpu' || decoder === 'auto') return { engine, decoder };
  throw fail('usage', '--decoder is for the GPU; --engine cpu has one only.', 'Leave one of them out.', { decoder });
}
