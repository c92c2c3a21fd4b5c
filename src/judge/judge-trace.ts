import { EMBEDDING, LAYER_OUTPUT } from '../model/stage-roles';
import { throwIfAborted } from '../base/abort';
import type { Captures } from '../divergence/compare-step';
import type { IsolatingEngine, Capture } from '../model/engine';
import { stagesOfStep } from '../model/graph-of';
import { isBeforeLayers, type StageId } from '../model/stages';
import { formatError } from '../trace/format-error';
import { type Trace } from '../trace/trace';
import { locationKey } from '../model/location';
import { judgementOf, type JudgedRun, type Judgement } from './judgement';
import { localErrors, type LocalError } from './local-errors';
import { withScale } from './raw-scores';

export interface JudgeTraceInput extends JudgedRun {
  readonly exact: IsolatingEngine;
  readonly quantised: IsolatingEngine;
  /** Of activations in blocks of 32, whatever a weight's type. */
  readonly blocks: IsolatingEngine;
  readonly onLayer?: (done: number, of: number) => void;
  readonly signal?: AbortSignal;
}

/**
 * Judges another engine's captures stage by stage, each from its own captured inputs, whatever the engine computes in: names its arithmetic for every
 * kind of operation, and the first stage that its arithmetic does not explain.
 * @throws TracerError `trace-format` where the captures are not of whole prompts; those of the engines
 */
export async function judgeTrace(input: JudgeTraceInput): Promise<Judgement> {
  const { trace, hparams, exact, quantised, blocks, signal } = input;
  const captures = wholePrompts(trace);
  const nTokens = [...captures.values()][0]?.positions.length ?? 0;
  // The prompt is for the embedding alone; positions are what the others need.
  const tokens = trace.provenance.tokens;
  const ids = Uint32Array.from({ length: nTokens }, (_, i) => tokens?.[i] ?? 0);
  const none = { capture: new Map(), ...(signal === undefined ? {} : { signal }) };
  await exact.begin(ids, 0, none);
  await quantised.begin(ids, 0, none);
  await blocks.begin(ids, 0, none);
  const errors: LocalError[] = [];
  const step = async (
    layer: number | undefined,
    stages: readonly StageId[],
    layerInput: Capture | undefined,
  ): Promise<void> => {
    throwIfAborted(signal);
    const held: Captures = new Map(
      stages.flatMap((stage) => {
        const captured = captures.get(locationKey(layer, stage));
        return captured === undefined ? [] : [[stage, captured] as const];
      }),
    );
    const own = await withScale(layer, { captures: held, layerInput }, hparams, exact);
    const candidate = trace.provenance.arm;
    const judged = await localErrors({
      layer,
      stages,
      own,
      layerInput,
      exact,
      quantised,
      blocks,
      hparams,
      candidate,
      signal,
    });
    errors.push(...judged.errors);
  };
  const ofModel = stagesOfStep(hparams, undefined);
  const knows = tokens?.length === nTokens;
  await step(
    undefined,
    ofModel.filter((stage) => isBeforeLayers(stage) && knows),
    undefined,
  );
  let layerInput = captures.get(EMBEDDING);
  for (let layer = 0; layer < hparams.nLayer; layer++) {
    await step(layer, stagesOfStep(hparams, layer), layerInput);
    layerInput = captures.get(locationKey(layer, LAYER_OUTPUT));
    input.onLayer?.(layer + 1, hparams.nLayer);
  }
  await step(
    undefined,
    ofModel.filter((stage) => !isBeforeLayers(stage)),
    layerInput,
  );
  return judgementOf(errors, input);
}

/** Captures of all positions from 0 on: what lies at a few of them cannot be fed to attention. */
function wholePrompts({ captures, provenance }: Trace): ReadonlyMap<string, Capture> {
  const longest = [...captures.values()].reduce((most, captured) => Math.max(most, captured.positions.length), 0);
  const whole = new Map(
    [...captures].filter(([, captured]) => captured.positions.length === longest && captured.positions[0] === 0),
  );
  if (whole.size > 0) return whole;
  throw formatError(
    provenance.arm,
    'captures of the whole prompt, from its first token on',
    `${captures.size} that begin later`,
    'Capture all positions of a shorter prompt.',
  );
}
