import { throwIfAborted } from '../base/abort';
import type { Engine, StepOptions } from '../model/engine';
import type { HParams } from '../model/hparams';
import { captureOf } from '../model/plan';
import type { DecodedBy } from './decoded-by';
import type { FastDecode } from './fast-decode';
import { LOGITS } from '../model/stage-roles';

/** What one engine would say next: its likeliest token. */
export interface NextToken {
  readonly token: number;
  readonly text: string;
  readonly logit: number;
  /** The logit's lead over the second best. */
  readonly lead: number;
}

/** One token of a greedy continuation. */
export interface GeneratedToken {
  /** Its position, counted from the prompt's first token. */
  readonly position: number;
  readonly token: number;
  readonly text: string;
  /** What each engine chose, given the same tokens so far; the candidate leads. Absent: it makes no finite logits, or did not run. */
  readonly a?: NextToken;
  readonly b?: NextToken;
  /** Both ran and chose alike; undefined where one ran alone. */
  readonly agree?: boolean;
  /** Wall time of the step of both engines. */
  readonly ms: number;
  /** What runs the GPU engine's tokens behind the prompt; undefined without a GPU engine. */
  readonly decodedBy?: DecodedBy;
}

/** Why a continuation ended. */
export type GenerateEnd = 'count' | 'end-of-text' | 'not-finite';

export interface GenerateInput {
  readonly engines: { readonly a?: Engine | undefined; readonly b?: Engine | undefined };
  readonly hparams: HParams;
  /** Prompt and what was generated before. */
  readonly tokens: readonly number[];
  /** Of these, the prompt: what stands behind it is decoded token by token, so that its bits do not depend on what was kept. */
  readonly promptLength: number;
  /** Positions whose keys and values both engines still hold, all of `tokens`; at least the last token is run again. */
  readonly nPast: number;
  readonly count: number;
  /** Ends the continuation after it. */
  readonly eosId: number | undefined;
  /** Runs the tokens behind the prompt in place of `a`, to which it belongs. Undefined: `a` runs them itself. */
  readonly fast?: FastDecode | undefined;
  readonly decodedBy?: DecodedBy | undefined;
  tokenText(id: number): string;
  onToken(token: GeneratedToken): void;
  /** Layers that have run the prompt, of both engines the slower one's. */
  readonly onLayer?: ((done: number, of: number) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Positions for which keys are made room for at once. */
const ROOM = 512;

/**
 * Longest prompt that the decoder runs where it decodes, token by token: the engine takes about as long for one token as for a few dozen, some twenty
 * times what the decoder takes for one.
 */
export const FOLLOWED_PROMPT = 24;

/** Whether the decoder runs the prompt as well. */
function promptIsFollowed({ fast, promptLength }: GenerateInput): boolean {
  return fast !== undefined && promptLength <= FOLLOWED_PROMPT;
}

/**
 * Continues greedily, both engines in lockstep over the same tokens with their keys and values kept. The candidate leads; the reference
 * says for each token whether it would have chosen the same.
 * @throws TracerError `run-cancelled`, or what an engine threw.
 */
export async function generate(input: GenerateInput): Promise<GenerateEnd> {
  const { engines, tokens, count, eosId, fast, signal } = input;
  let nPast = Math.min(input.nPast, tokens.length - 1);
  let chunk = tokens.slice(nPast);
  for (let n = 0; n < count; n++) {
    throwIfAborted(signal);
    if (n > 0 && fast !== undefined && engines.b === undefined) {
      return decodeAlone(input, fast, chunk[0] ?? 0, nPast, count - n);
    }
    const started = performance.now();
    const [a, b] = await bothLogits(input, chunk, nPast);
    nPast += chunk.length;
    const nextA = a === undefined ? undefined : nextToken(a, input);
    const nextB = b === undefined ? undefined : nextToken(b, input);
    const leading = engines.a === undefined ? nextB : nextA;
    if (leading === undefined) return 'not-finite';
    input.onToken({
      position: nPast,
      token: leading.token,
      text: leading.text,
      ...(nextA === undefined ? {} : { a: nextA }),
      ...(nextB === undefined ? {} : { b: nextB }),
      ...(a === undefined || b === undefined ? {} : { agree: nextA?.token === nextB?.token }),
      ms: performance.now() - started,
      ...byOf(input),
    });
    if (leading.token === eosId) return 'end-of-text';
    chunk = [leading.token];
  }
  return 'count';
}

/** The decoder without a reference beside it: tokens follow each other on the GPU, and the CPU reads along. */
async function decodeAlone(
  input: GenerateInput,
  { decoder, keys }: FastDecode,
  token: number,
  nPast: number,
  count: number,
): Promise<GenerateEnd> {
  const { eosId, signal } = input;
  let end: GenerateEnd = 'count';
  let before = performance.now();
  await decoder.prepareFor(nPast, Math.min(count, ROOM));
  const made = await decoder.generate(token, nPast, {
    count,
    logits: true,
    signal,
    onToken: ({ logits }, index) => {
      const next = logits === undefined ? undefined : nextToken(logits, input);
      if (next === undefined) {
        end = 'not-finite';
        return true;
      }
      const now = performance.now();
      const position = nPast + index + 1;
      input.onToken({ position, token: next.token, text: next.text, a: next, ms: now - before, ...byOf(input) });
      before = now;
      if (next.token !== eosId) return false;
      end = 'end-of-text';
      return true;
    },
  });
  keys.keep(nPast + made.length);
  return end;
}

function byOf({ decodedBy }: GenerateInput): Pick<GeneratedToken, 'decodedBy'> {
  return decodedBy === undefined ? {} : { decodedBy };
}

type Logits = ArrayLike<number>;

/** Waits for both engines before rethrowing: a step must not start while one is busy. */
async function bothLogits(
  input: GenerateInput,
  chunk: readonly number[],
  nPast: number,
): Promise<readonly (Logits | undefined)[]> {
  const { engines, fast, promptLength } = input;
  const logitsOf = async (engine: Engine | undefined): Promise<Logits | undefined> => {
    if (engine === undefined) return undefined;
    // What the engine kept of a prompt is not what the decoder makes of it, and bits must not depend on what ran before.
    if (fast !== undefined && engine === engines.a && nPast < promptLength && promptIsFollowed(input))
      return decoderLogits(fast, input, input.tokens, 0);
    const ofEngine = fast === undefined || engine !== engines.a ? chunk.length : Math.max(0, promptLength - nPast);
    const first = chunk.slice(0, ofEngine);
    const logits = first.length === 0 ? undefined : await engineLogits(engine, input, first, nPast);
    if (fast === undefined || first.length === chunk.length) return logits;
    return decoderLogits(fast, input, chunk.slice(first.length), nPast + first.length);
  };
  const settled = await Promise.allSettled([logitsOf(engines.a), logitsOf(engines.b)]);
  return settled.map((result) => {
    if (result.status === 'rejected') throw result.reason;
    return result.value;
  });
}

async function engineLogits(
  engine: Engine,
  { hparams, onLayer, signal }: GenerateInput,
  chunk: readonly number[],
  nPast: number,
): Promise<Logits | undefined> {
  const nothing: StepOptions = { capture: new Map(), ...(signal === undefined ? {} : { signal }) };
  await engine.begin(Uint32Array.from(chunk), nPast, nothing);
  for (let layer = 0; layer < hparams.nLayer; layer++) {
    await engine.layer(layer, nothing);
    if (chunk.length > 1 || nPast === 0) onLayer?.(layer + 1, hparams.nLayer);
  }
  const capture = captureOf([LOGITS], [nPast + chunk.length - 1]);
  return (await engine.end({ ...nothing, capture })).captures.get(LOGITS)?.data;
}

async function decoderLogits(
  { decoder, keys }: FastDecode,
  { signal }: GenerateInput,
  chunk: readonly number[],
  nPast: number,
): Promise<Logits | undefined> {
  await decoder.prepareFor(nPast, chunk.length);
  const { logits } = await decoder.follow(chunk, nPast, { logits: true, signal });
  keys.keep(nPast + chunk.length);
  return logits;
}

/** The likeliest token, ties to the lower id; undefined when a logit is not a number. */
export function nextToken(logits: Logits, { tokenText }: Pick<GenerateInput, 'tokenText'>): NextToken | undefined {
  let best = -1;
  let first = -Infinity;
  let second = -Infinity;
  // Counted, not iterated: 150,000 logits a token.
  for (let id = 0; id < logits.length; id++) {
    const logit = logits[id]!;
    if (Number.isNaN(logit) || logit === Infinity) return undefined;
    if (logit > first) {
      second = first;
      first = logit;
      best = id;
    } else if (logit > second) second = logit;
  }
  return best < 0 ? undefined : { token: best, text: tokenText(best), logit: first, lead: first - second };
}
