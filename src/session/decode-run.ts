import { routingRows } from '../divergence/routing-rows';
import type { RoutingRow, Row } from '../divergence/report';
import type { ArmEngine, CaptureRequest, StepOptions, StepResult, Tap } from '../model/engine';
import type { TracePlan } from '../model/plan';
import { LOGITS } from '../model/stage-roles';
import type { HParams } from '../model/hparams';
import type { StageId } from '../model/stages';
import type { LocalWatch } from './local-watch';
import { nextToken } from './generate';
import { alongside, walksTogether } from './alongside';
import { stepCaptures, type StepName } from './step-captures';

/** What a candidate keeps of the positions so far, captured: keys and values, layer by layer. */
export class KeptStates {
  readonly #layers = new Map<number, Map<StageId, Float32Array<ArrayBuffer>>>();

  /** Appends what a step wrote. @param kept names of stages whose values are kept */
  add(layer: number, taps: ReadonlyMap<StageId, Tap>, kept: ReadonlySet<string>): void {
    const states = this.#layers.get(layer) ?? new Map<StageId, Float32Array<ArrayBuffer>>();
    this.#layers.set(layer, states);
    for (const [stage, { data }] of taps) {
      if (!kept.has(stage) || data instanceof Uint32Array) continue;
      const before = states.get(stage) ?? new Float32Array(0);
      const all = new Float32Array(before.length + data.length);
      all.set(before);
      all.set(data, before.length);
      states.set(stage, all);
    }
  }

  /** (positions, width) by the stage that writes it. */
  of(layer: number | undefined): ReadonlyMap<StageId, Float32Array<ArrayBuffer>> {
    return (layer === undefined ? undefined : this.#layers.get(layer)) ?? new Map();
  }
}

/** The local rows of one token behind the prompt. */
export interface DecodedToken {
  readonly position: number;
  readonly rows: readonly Row[];
  readonly routing: readonly RoutingRow[];
}

export interface DecodeRunInput {
  /** Both have just run the prompt, with their keys and values kept. */
  readonly a: ArmEngine;
  readonly b: ArmEngine;
  /** Judges one token's steps, against `b`. */
  readonly watch: (position: number) => LocalWatch;
  readonly plan: TracePlan;
  readonly hparams: HParams;
  readonly kept: ReadonlySet<string>;
  /** Of the prompt. */
  readonly states: KeptStates;
  readonly nPrompt: number;
  /** Logits of the prompt's last token, on the candidate. */
  readonly logits: ArrayLike<number>;
  readonly count: number;
  readonly onToken?: (done: number, of: number) => void;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Continues the prompt greedily on the candidate and holds every stage of each token to the exact value of its own captured inputs, the
 * keys and values of all positions before it among them: the path that a prompt alone never takes. Ends early where logits are not finite.
 */
export async function decodeRun(input: DecodeRunInput): Promise<readonly DecodedToken[]> {
  const { a, b, plan, hparams, kept, states, nPrompt, count, signal } = input;
  const decoded: DecodedToken[] = [];
  let logits = input.logits;
  const cancel = signal === undefined ? {} : { signal };
  for (let n = 0; n < count; n++) {
    const next = nextToken(logits, { tokenText: String });
    if (next === undefined) break;
    const position = nPrompt + n;
    const token = Uint32Array.of(next.token);
    const watch = input.watch(position);
    const routing: RoutingRow[] = [];
    const step = async (
      name: StepName,
      run: (engine: ArmEngine, options: StepOptions) => Promise<StepResult>,
    ): Promise<StepResult> => {
      const { planned, free } = stepCaptures({ ...plan, positions: [0] }, hparams, name, 1, {
        isolate: false,
        forced: false,
        local: true,
        kept,
      });
      const layer = typeof name === 'number' ? name : undefined;
      const own = await run(a, { capture: at(free, position), ...cancel });
      const options: StepOptions = { capture: new Map(), ...cancel };
      const past = states.of(layer);
      if (name === 'embed' || !walksTogether(b)) {
        await run(b, options);
        await watch.step(layer, planned, own, signal, { past });
      } else {
        const exact = alongside(b, layer, options);
        await watch.step(layer, planned, own, signal, { past, isolate: exact.isolate });
        await exact.advanced();
      }
      if (layer !== undefined) {
        states.add(layer, own.taps, kept);
        if (plan.layers.includes(layer)) routing.push(...routingRows(layer, own.taps, undefined));
      }
      return own;
    };
    await step('embed', (engine, options) => engine.begin(token, position, options));
    for (let layer = 0; layer < hparams.nLayer; layer++)
      await step(layer, (engine, options) => engine.layer(layer, options));
    const end = await step('end', (engine, options) => engine.end(options));
    decoded.push({ position, rows: watch.rows(), routing });
    input.onToken?.(n + 1, count);
    const last = end.taps.get(LOGITS);
    if (last === undefined) break;
    logits = last.data;
  }
  return decoded;
}

/** A request of the step's one token, at its position. */
function at(request: CaptureRequest, position: number): CaptureRequest {
  return new Map([...request].map(([stage]) => [stage, [position]] as const));
}
