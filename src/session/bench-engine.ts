import { fail } from '../base/errors';
import type { Engine, CaptureRequest, StepOptions, Capture } from '../model/engine';
import type { HParams } from '../model/hparams';
import type { StageId } from '../model/stages';
import { LOGITS } from '../model/stage-roles';

/** What a benchmark needs of whatever runs a model: any engine fits behind it. */
export interface BenchEngine {
  /** For people: which engine this is. */
  readonly name: string;
  /**
   * Runs tokens after `nPast` positions that are kept from before; 0 starts afresh.
   * @param options what is traced besides, and who hears of finished layers (engines that cannot tell leave it)
   * @returns the most likely next token
   */
  run(tokens: readonly number[], nPast: number, options: BenchStep): Promise<number>;
}

export interface BenchStep {
  /** Stages of every layer that are captured, at all positions of the step. */
  readonly capture: readonly StageId[];
  readonly onLayer?: ((layer: number) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** An engine, driven layer by layer as a trace drives it. */
export function benchEngine(name: string, engine: Engine, hparams: HParams): BenchEngine {
  return {
    name,
    async run(tokens, nPast, { capture, onLayer, signal }) {
      const positions = tokens.map((_, i) => nPast + i);
      const request: CaptureRequest = new Map(capture.map((stage) => [stage, positions]));
      const stopped: Pick<StepOptions, 'signal'> = signal === undefined ? {} : { signal };
      await engine.begin(Uint32Array.from(tokens), nPast, { capture: new Map(), ...stopped });
      for (let layer = 0; layer < hparams.nLayer; layer++) {
        await engine.layer(layer, { capture: request, ...stopped });
        onLayer?.(layer);
      }
      const last = positions.at(-1) ?? nPast;
      const { captures } = await engine.end({ capture: new Map([[LOGITS, [last]]]), ...stopped });
      return largest(captures.get(LOGITS));
    },
  };
}

function largest(logits: Capture | undefined): number {
  if (logits === undefined) throw fail('internal', 'The engine gave no logits.', 'Please report this defect.');
  const { data } = logits;
  let best = 0;
  for (let i = 1; i < data.length; i++) if (data[i]! > data[best]!) best = i;
  return best;
}
