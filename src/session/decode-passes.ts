import type { Coverage, CoveredPath } from '../divergence/report';
import type { Engine, IsolatingEngine } from '../model/engine';
import { kernelsSince } from './coverage';
import { stepCaptures, type CaptureNeeds } from './step-captures';
import { continuedRun, decodeRun, type ContinuedPart, type DecodedToken, type DecodeRunInput } from './decode-run';
import { decoderSteps } from './decoder-steps';
import type { RunSpec } from './events';
import type { FastDecode, NoFastDecode } from './fast-decode';
import type { LocalWatch, LocalWatchInput } from './local-watch';

/** Tokens behind the prompt of a thorough run. */
const THOROUGH_TOKENS = 4;

/** Tokens to judge behind the prompt. */
export function decodesOf({ decode, thorough }: Pick<RunSpec, 'decode' | 'thorough'>): number {
  return thorough === true ? Math.max(1, decode ?? THOROUGH_TOKENS) : (decode ?? 0);
}

export interface DecodePassesInput extends Omit<DecodeRunInput, 'by' | 'a' | 'watch' | 'b'> {
  readonly a: Engine;
  readonly b: Engine;
  readonly tokens: Uint32Array<ArrayBuffer>;
  /** Whether the prompt is also run as two. */
  readonly continues: boolean;
  /** Of `b`. */
  readonly isolate: IsolatingEngine['isolate'];
  /** Opens the fast decoder on the engine's weights and keys, or says why there is none. */
  readonly openDecoder: (() => Promise<FastDecode | NoFastDecode>) | undefined;
  readonly watch: (how: Pick<LocalWatchInput, 'positions' | 'sumOrder' | 'bridge'>) => LocalWatch;
}

export interface DecodePasses {
  readonly tokens: readonly DecodedToken[];
  readonly paths: readonly CoveredPath[];
  /** The second half of the prompt, behind the first. */
  readonly continued: ContinuedPart | undefined;
  /** Kernels of the fast decoder, by this run. */
  readonly kernels: Coverage['kernels'];
}

/** Tokens behind the prompt, made by the engine and then by the fast decoder: each way has kernels of its own. Then the prompt as two, where that is wanted. */
export async function decodePasses(input: DecodePassesInput): Promise<DecodePasses> {
  const { a, openDecoder } = input;
  const byEngine = await decodeRun({
    ...input,
    by: 'engine',
    watch: (position) => input.watch({ positions: [position], sumOrder: a.sumOrder?.(1) ?? 'any' }),
  });
  const fast = await openDecoder?.();
  const { tokens: byDecoder, path, kernels } = await byFastDecoder(input, fast);
  const continued = input.continues
    ? await continuedRun({
        ...input,
        watch: (positions) => input.watch({ positions, sumOrder: a.sumOrder?.(positions.length) ?? 'any' }),
      })
    : undefined;
  return {
    tokens: [...byEngine, ...byDecoder],
    paths: [{ path: 'token', ran: byEngine.length > 0 }, path],
    continued,
    kernels,
  };
}

async function byFastDecoder(
  input: DecodePassesInput,
  fast: FastDecode | NoFastDecode | undefined,
): Promise<Pick<DecodePasses, 'tokens' | 'kernels'> & { readonly path: CoveredPath }> {
  const { isolate, plan, hparams, kept, count } = input;
  if (fast?.decoder === undefined) {
    const why = fast === undefined ? {} : { why: fast.by.why };
    return { tokens: [], path: { path: 'decoder', ran: false, ...why }, kernels: [] };
  }
  const { remade, rescales } = fast.decoder;
  const before = fast.decoder.kernelUses();
  const bridge = { remade, rescales, exact: { isolate } };
  const needs: CaptureNeeds = { isolate: false, forced: false, local: true, kept };
  const steps = ['embed', ...Array.from({ length: hparams.nLayer }, (_, layer) => layer), 'end'] as const;
  const captured = steps.flatMap((step) => [
    ...stepCaptures({ ...plan, positions: [0] }, hparams, step, 1, needs).free.keys(),
  ]);
  const tokens = await decodeRun({
    ...input,
    by: 'decoder',
    a: decoderSteps(fast, [...new Set(captured)], count),
    watch: (position) => input.watch({ positions: [position], sumOrder: 'any', bridge }),
  });
  const kernels = kernelsSince(before, fast.decoder.kernelUses());
  return { tokens, path: { path: 'decoder', ran: tokens.length > 0 }, kernels };
}
