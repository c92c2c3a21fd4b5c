import type { Tuning } from '../gpu/decode/tuner';

/** Who decodes behind a prompt: `auto`: the decoder on hardware where it can serve; `fast`: it, wherever it can; `engine`: the one that traces. */
export const DECODERS = ['auto', 'fast', 'engine'] as const;
export type DecoderChoice = (typeof DECODERS)[number];

/** What made a token on the GPU: all weights resident and few dispatches, or the engine that traces, and why that one. */
export type DecodedBy =
  | {
      readonly by: 'decoder';
      /** Dispatches of a token, where attention is not split. */
      readonly dispatches: number;
      /** Where its kernels' variants come from. */
      readonly tuned: Tuning['from'];
    }
  | { readonly by: 'engine'; readonly why: string };

/** `the fast decoder, 37 dispatches a token` or `the tracing engine: all weights take 17.2 GB ...`. */
export function decodedByText(by: DecodedBy): string {
  return by.by === 'decoder'
    ? `the fast decoder, ${by.dispatches} dispatches a token`
    : `the tracing engine, layer by layer: ${by.why}`;
}
