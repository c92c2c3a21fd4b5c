import type { Decoded } from '../gpu/decode/decoder';
import type { Engine, StepOptions, StepResult, Capture } from '../model/engine';
import { LOGITS } from '../model/stage-roles';
import { isBeforeLayers, type StageId } from '../model/stages';
import type { FastDecode } from './fast-decode';

/** The steps of an engine, of one token at a time. */
export interface TokenSteps extends Pick<Engine, 'begin' | 'layer' | 'end'> {
  /** The token that it goes on with behind the last step; undefined where the caller chooses. */
  readonly chosen?: number | undefined;
}

/** Tokens of one stretch: as many as are under way at once, so that the GPU feeds itself as it does when nobody looks. */
const STRETCH = 4;

/**
 * A fast decoder as an engine that is asked for steps: it makes some tokens at a stretch, each fed the one before it on the GPU, captures all of
 * them, and hands the captures over as they are asked for. What it is fed by the caller counts for the first token of a stretch alone.
 * @param stages to capture, in every layer
 * @param count tokens in all
 */
export function decoderSteps({ decoder, keys }: FastDecode, stages: readonly StageId[], count: number): TokenSteps {
  let made: readonly Decoded[] = [];
  /** Position of the first of them. */
  let first = 0;
  let left = count;
  let now: Decoded | undefined;
  let started = 0;
  const handOver = (
    layer: number | undefined,
    wanted: (stage: StageId) => boolean,
    options: StepOptions,
  ): StepResult => {
    const captures = (now?.captures ?? []).filter(
      (captured) => captured.layer === layer && wanted(captured.stage) && options.capture.has(captured.stage),
    );
    const ms = performance.now() - started;
    started = performance.now();
    return {
      captures: new Map(captures.map((captured): readonly [StageId, Capture] => [captured.stage, captured])),
      ms,
      bytesRead: 0,
    };
  };
  return {
    get chosen() {
      return now?.token;
    },
    async begin(tokens, nPast, options) {
      started = performance.now();
      if (made[nPast - first] === undefined) {
        const [token = NaN] = tokens;
        const capture = { stages: [...stages, LOGITS] };
        const most = Math.min(STRETCH, left);
        await decoder.prepareFor(nPast, most);
        made = await decoder.generate(token, nPast, { count: most, capture, logits: true, signal: options.signal });
        first = nPast;
        left -= made.length;
        keys.keep(nPast + made.length);
      }
      now = made[nPast - first];
      return handOver(undefined, isBeforeLayers, options);
    },
    layer: (layer, options) => Promise.resolve(handOver(layer, () => true, options)),
    end: (options) => Promise.resolve(handOver(undefined, (stage) => !isBeforeLayers(stage), options)),
  };
}
