import { routingRows } from '../divergence/routing-rows';
import type { RoutingRow, Row, TokenMaker } from '../divergence/report';
import type { Engine, CaptureRequest, StepOptions, StepResult, Capture } from '../model/engine';
import type { TracePlan } from '../model/plan';
import { LOGITS } from '../model/stage-roles';
import { stagesOfStep } from '../model/graph-of';
import type { HParams } from '../model/hparams';
import type { StageId } from '../model/stages';
import type { TokenSteps } from './decoder-steps';
import type { LocalWatch } from './local-watch';
import { nextToken } from './generate';
import { alongside, walksTogether } from './alongside';
import { stepCaptures, type StepName } from './step-captures';

/** What a candidate keeps of the positions so far, captured, layer by layer: keys and values, or the latest of what is read a few positions back. */
export class KeptStates {
  readonly #layers = new Map<number, Map<StageId, Float32Array>>();

  /** Appends what a step wrote. @param kept stages whose values are kept, and how many positions back they are read */
  add(layer: number, captures: ReadonlyMap<StageId, Capture>, kept: ReadonlyMap<string, number>): void {
    const states = this.#layers.get(layer) ?? new Map<StageId, Float32Array>();
    this.#layers.set(layer, states);
    for (const [stage, { data, positions }] of captures) {
      const reach = kept.get(stage);
      if (reach === undefined || data instanceof Uint32Array) continue;
      const before = states.get(stage) ?? new Float32Array(0);
      const all = new Float32Array(before.length + data.length);
      all.set(before);
      all.set(data, before.length);
      states.set(stage, reach === Infinity ? all : all.slice(-(reach * data.length) / positions.length));
    }
  }

  /** Continuing it leaves this one unchanged. */
  copy(): KeptStates {
    const copy = new KeptStates();
    for (const [layer, states] of this.#layers) copy.#layers.set(layer, new Map(states));
    return copy;
  }

  /** (positions, width) by the stage that writes it. */
  of(layer: number | undefined): ReadonlyMap<StageId, Float32Array> {
    return (layer === undefined ? undefined : this.#layers.get(layer)) ?? new Map();
  }
}

/** The local rows of one token behind the prompt. */
export interface DecodedToken {
  readonly by: TokenMaker;
  readonly token: number;
  /** The token that it went on with behind this one, where that is not the one with the largest logit. */
  readonly wrongChoice?: { readonly own: number; readonly best: number };
  readonly position: number;
  readonly rows: readonly Row[];
  readonly routing: readonly RoutingRow[];
}

export interface DecodeRunInput {
  readonly by: TokenMaker;
  /** Has the keys and values of the prompt, as `b` has. */
  readonly a: TokenSteps;
  readonly b: Engine;
  /** Judges one token's steps, against `b`. */
  readonly watch: (position: number) => LocalWatch;
  readonly plan: TracePlan;
  readonly hparams: HParams;
  readonly kept: ReadonlyMap<string, number>;
  /** Of the prompt. */
  readonly states: KeptStates;
  readonly nPrompt: number;
  /** Logits of the prompt's last token, on the candidate. */
  readonly logits: ArrayLike<number>;
  readonly count: number;
  readonly onToken?: (done: number, of: number) => void;
  readonly signal?: AbortSignal | undefined;
}

/** What is judged of some tokens behind others. */
type JudgedInput = Pick<DecodeRunInput, 'a' | 'b' | 'plan' | 'hparams' | 'kept' | 'states' | 'signal'>;

/** What some tokens came to. */
type JudgedTokens = Pick<DecodedToken, 'rows' | 'routing'> & { readonly logits: Capture | undefined };

/** Runs tokens behind `position` others on the candidate, and holds every stage to the exact value of its own captured inputs; their states are kept. */
async function judgedTokens(
  { a, b, plan, hparams, kept, states, signal }: JudgedInput,
  tokens: Uint32Array<ArrayBuffer>,
  position: number,
  watch: LocalWatch,
): Promise<JudgedTokens> {
  const routing: RoutingRow[] = [];
  const cancel = signal === undefined ? {} : { signal };
  const own = { ...plan, positions: [...tokens.keys()] };
  const step = async (
    name: StepName,
    run: (engine: TokenSteps, options: StepOptions) => Promise<StepResult>,
  ): Promise<StepResult> => {
    const { planned, free } = stepCaptures(own, hparams, name, tokens.length, {
      isolate: false,
      forced: false,
      local: true,
      kept,
    });
    const layer = typeof name === 'number' ? name : undefined;
    const result = await run(a, { capture: behind(free, position), ...cancel });
    const options: StepOptions = { capture: new Map(), ...cancel };
    const past = states.of(layer);
    if (name === 'embed' || !walksTogether(b)) {
      await run(b, options);
      await watch.step(layer, planned, result, signal, { past });
    } else {
      const exact = alongside(b, layer, options);
      await watch.step(layer, planned, result, signal, { past, isolate: exact.isolate });
      await exact.advanced();
    }
    if (layer !== undefined) {
      states.add(layer, result.captures, kept);
      if (plan.layers.includes(layer)) routing.push(...routingRows(layer, result.captures, undefined));
    }
    return result;
  };
  await step('embed', (engine, options) => engine.begin(tokens, position, options));
  for (let layer = 0; layer < hparams.nLayer; layer++)
    await step(layer, (engine, options) => engine.layer(layer, options));
  const end = await step('end', (engine, options) => engine.end(options));
  return { rows: watch.rows(), routing, logits: end.captures.get(LOGITS) };
}

/**
 * Continues the prompt greedily on the candidate's engine or its fast decoder and judges each token, the keys and values of all positions before it
 * among its inputs: the path that a prompt alone never takes. Ends early where logits are not finite.
 */
export async function decodeRun(input: DecodeRunInput): Promise<readonly DecodedToken[]> {
  const { by, a, nPrompt, count } = input;
  const states = input.states.copy();
  const decoded: DecodedToken[] = [];
  let logits: ArrayLike<number> = input.logits;
  for (let n = 0; n < count; n++) {
    const token = a.chosen ?? nextToken(logits, { tokenText: String })?.token;
    if (token === undefined) break;
    const position = nPrompt + n;
    const { logits: last, ...judged } = await judgedTokens(
      { ...input, states },
      Uint32Array.of(token),
      position,
      input.watch(position),
    );
    const best = last === undefined ? undefined : nextToken(last.data, { tokenText: String })?.token;
    const { chosen } = a;
    const wrongChoice =
      chosen === undefined || best === undefined || chosen === best ? {} : { wrongChoice: { own: chosen, best } };
    decoded.push({ by, token, position, ...judged, ...wrongChoice });
    input.onToken?.(n + 1, count);
    if (last === undefined || best === undefined) break;
    logits = last.data;
  }
  return decoded;
}

export interface ContinuedInput extends Omit<JudgedInput, 'states'> {
  readonly tokens: Uint32Array<ArrayBuffer>;
  /** Judges tokens at these positions, against `b`. */
  readonly watch: (positions: readonly number[]) => LocalWatch;
}

/** The local rows of a prompt behind another. */
export type ContinuedPart = Pick<DecodedToken, 'position' | 'rows' | 'routing'>;

/** A prompt as two, the second of which goes on with the keys and values of the first, judged. Undefined for a prompt that cannot be cut. */
export async function continuedRun(input: ContinuedInput): Promise<ContinuedPart | undefined> {
  const { a, tokens, hparams, kept, signal, watch } = input;
  const half = Math.floor(tokens.length / 2);
  if (half === 0) return undefined;
  const states = new KeptStates();
  const cancel = signal === undefined ? {} : { signal };
  const all = [...tokens.keys()].slice(0, half);
  const nothing: StepOptions = { capture: new Map(), ...cancel };
  await a.begin(tokens.slice(0, half), 0, nothing);
  for (let layer = 0; layer < hparams.nLayer; layer++) {
    const made = stagesOfStep(hparams, layer).filter((stage) => kept.has(stage));
    const { captures } = await a.layer(layer, { capture: new Map(made.map((stage) => [stage, all])), ...cancel });
    states.add(layer, captures, kept);
  }
  await a.end(nothing);
  const positions = [...tokens.keys()].slice(half);
  const { rows, routing } = await judgedTokens({ ...input, states }, tokens.slice(half), half, watch(positions));
  return { position: half, rows, routing };
}

/** A request of a step's own tokens, at their positions. */
function behind(request: CaptureRequest, position: number): CaptureRequest {
  return new Map([...request].map(([stage, own]) => [stage, own.map((at) => position + at)] as const));
}
