import { throwIfAborted } from '../base/abort';
import type { ArmEngine, StepOptions, Tap } from '../model/engine';
import type { HParams } from '../model/hparams';
import { captureOf } from '../model/plan';

/** What one arm would say next: its likeliest token. */
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
  /** What each arm chose, given the same tokens so far; the arm under test leads. Absent: it makes no finite logits, or did not run. */
  readonly a?: NextToken;
  readonly b?: NextToken;
  /** Both ran and chose alike; undefined where one ran alone. */
  readonly agree?: boolean;
  /** Wall time of the step of both arms. */
  readonly ms: number;
}

/** Why a continuation ended. */
export type GenerateEnd = 'count' | 'end-of-text' | 'not-finite';

export interface GenerateInput {
  readonly arms: { readonly a?: ArmEngine | undefined; readonly b?: ArmEngine | undefined };
  readonly hparams: HParams;
  /** Prompt and what was generated before. */
  readonly tokens: readonly number[];
  /** Positions whose keys and values both arms still hold, all of `tokens`; at least the last token is run again. */
  readonly nPast: number;
  readonly count: number;
  /** Ends the continuation after it. */
  readonly eosId: number | undefined;
  tokenText(id: number): string;
  onToken(token: GeneratedToken): void;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Continues greedily, both arms in lockstep over the same tokens with their keys and values kept. The arm under test leads; the reference
 * says for each token whether it would have chosen the same.
 * @throws TracerError `run-cancelled`, or what an arm threw.
 */
export async function generate(input: GenerateInput): Promise<GenerateEnd> {
  const { arms, tokens, count, eosId, signal } = input;
  let nPast = Math.min(input.nPast, tokens.length - 1);
  let chunk = tokens.slice(nPast);
  for (let n = 0; n < count; n++) {
    throwIfAborted(signal);
    const started = performance.now();
    const [a, b] = await bothLogits(input, chunk, nPast);
    nPast += chunk.length;
    const nextA = a === undefined ? undefined : nextToken(a, input);
    const nextB = b === undefined ? undefined : nextToken(b, input);
    const leading = arms.a === undefined ? nextB : nextA;
    if (leading === undefined) return 'not-finite';
    input.onToken({
      position: nPast,
      token: leading.token,
      text: leading.text,
      ...(nextA === undefined ? {} : { a: nextA }),
      ...(nextB === undefined ? {} : { b: nextB }),
      ...(a === undefined || b === undefined ? {} : { agree: nextA?.token === nextB?.token }),
      ms: performance.now() - started,
    });
    if (leading.token === eosId) return 'end-of-text';
    chunk = [leading.token];
  }
  return 'count';
}

/** Both come to rest before an error goes on, or the next step would meet an engine at work. */
async function bothLogits(
  input: GenerateInput,
  chunk: readonly number[],
  nPast: number,
): Promise<readonly (Tap | undefined)[]> {
  const { a, b } = input.arms;
  const settled = await Promise.allSettled([a, b].map((engine) => logits(engine, input, chunk, nPast)));
  return settled.map((result) => {
    if (result.status === 'rejected') throw result.reason;
    return result.value;
  });
}

async function logits(
  engine: ArmEngine | undefined,
  { hparams, signal }: GenerateInput,
  chunk: readonly number[],
  nPast: number,
): Promise<Tap | undefined> {
  if (engine === undefined) return undefined;
  const nothing: StepOptions = { capture: new Map(), ...(signal === undefined ? {} : { signal }) };
  await engine.begin(Uint32Array.from(chunk), nPast, nothing);
  for (let layer = 0; layer < hparams.nLayer; layer++) await engine.layer(layer, nothing);
  const capture = captureOf(['lm_head'], [nPast + chunk.length - 1]);
  return (await engine.end({ ...nothing, capture })).taps.get('lm_head');
}

/** The likeliest token, ties to the lower id; undefined when a logit is not a number. */
function nextToken(logits: Tap, { tokenText }: GenerateInput): NextToken | undefined {
  let best = -1;
  let first = -Infinity;
  let second = -Infinity;
  for (const [id, logit] of logits.data.entries()) {
    if (Number.isNaN(logit) || logit === Infinity) return undefined;
    if (logit > first) {
      second = first;
      first = logit;
      best = id;
    } else if (logit > second) second = logit;
  }
  return best < 0 ? undefined : { token: best, text: tokenText(best), logit: first, lead: first - second };
}
