import { yielder } from '../base/yielder';
import { withPauses } from '../base/pieces';
import { dependencies, LAYER_INPUT } from '../arch/graph';
import { stepInPieces } from '../divergence/compare-step';
import { NO_FLIPS } from '../divergence/flip-state';
import type { Row } from '../divergence/report';
import type { LocalError } from '../judge/local-errors';
import type { ReferenceStep, StepOptions } from '../model/engine';
import { stageNode } from '../model/graph-of';
import type { HParams } from '../model/hparams';
import type { StageId } from '../model/stages';
import { compareContext } from './judging/step-work';
import type { SessionEngines } from './session-input';

/** As the run's rows are made. */
type How = { readonly cosineLimit?: number | undefined } & Pick<Parameters<typeof compareContext>[1], 'sumOrder'>;

/** What the first step that is wrong by its own inputs needs of the reference to be run once more, stage by stage. */
interface Blamed {
  readonly layer: number | undefined;
  readonly stages: readonly StageId[];
  readonly reference: ReferenceStep;
}

/**
 * Isolates what local errors blame: once the run is through, the wrong stages of the first step that has any are run alone on the
 * reference's inputs. Wrong there, too: the kernel. Right there: the way it ran (keys kept, chunks, fused kernels), or what its own inputs bring out.
 */
export class BlamedStep {
  readonly #hparams: HParams;
  readonly #positions: readonly number[];
  readonly #nTokens: number;
  readonly #how: How;
  /** The reference's captures of steps that are not judged yet. */
  readonly #unjudged = new Map<number | undefined, ReferenceStep>();
  #blamed: Blamed | undefined;

  /** @param positions that are compared, of `nTokens` */
  constructor(hparams: HParams, positions: readonly number[], nTokens: number, { sumOrder, cosineLimit }: How) {
    this.#hparams = hparams;
    this.#positions = positions;
    this.#nTokens = nTokens;
    this.#how = { sumOrder, cosineLimit };
  }

  /** The reference's own step, of which nothing is kept once it is judged and right. */
  hold(layer: number | undefined, reference: ReferenceStep): void {
    if (this.#blamed === undefined) this.#unjudged.set(layer, reference);
  }

  /** A step is judged. Steps come in forward order. */
  judged(layer: number | undefined, errors: readonly LocalError[]): void {
    const reference = this.#unjudged.get(layer);
    this.#unjudged.delete(layer);
    if (this.#blamed !== undefined || reference === undefined) return;
    const wrong = errors.flatMap(({ row }) =>
      row.verdict === 'diverge' || row.verdict === 'nan-gpu' ? [row.stage] : [],
    );
    if (wrong.length === 0) return;
    this.#unjudged.clear();
    const stages: StageId[] = [];
    const kept = new Set<string>();
    for (const stage of wrong) {
      const inputs = this.#inputsOf(layer, stage, reference);
      if (inputs === undefined) continue;
      stages.push(stage);
      // With its own values, which say at least what positions there are.
      for (const id of [stage, ...inputs]) kept.add(id);
    }
    const captures = new Map([...reference.captures].filter(([stage]) => kept.has(stage)));
    this.#blamed = { layer, stages, reference: { captures, layerInput: reference.layerInput } };
  }

  /** Rows of mode `isolated` of those stages; none where nothing is to blame, or the reference did not capture what they read. */
  async rows({ a, b }: SessionEngines, signal: AbortSignal | undefined): Promise<readonly Row[]> {
    if (this.#blamed === undefined || a?.isolate === undefined || b?.isolate === undefined) return [];
    const { layer, stages, reference } = this.#blamed;
    if (stages.length === 0) return [];
    const capture = new Map(stages.map((stage) => [stage, this.#positions] as const));
    const options: StepOptions = { capture, ...(signal === undefined ? {} : { signal }) };
    const alone = await a.isolate(layer, reference, options);
    const { sumOrder } = this.#how;
    const exact = await b.isolate(layer, reference, { ...options, bounds: true, sumOrder });
    const held = { sumOrder, cosineLimit: this.#how.cosineLimit, stages, layer, candidate: a.id, reference: b.id };
    const work = stepInPieces(
      layer,
      alone.captures,
      exact.captures,
      NO_FLIPS,
      compareContext('isolated', held, this.#hparams),
    );
    return (await withPauses(work, yielder(signal))).rows;
  }

  /** Stages that a stage reads, where the reference has all of them at every position. */
  #inputsOf(layer: number | undefined, stage: StageId, reference: ReferenceStep): readonly string[] | undefined {
    const node = stageNode(this.#hparams, stage, layer);
    if (node === undefined) return undefined;
    const inputs = dependencies(node).map(({ id }) => id);
    const captures: ReadonlyMap<string, { readonly positions: readonly number[] }> = reference.captures;
    const isThere = (id: string): boolean =>
      (id === LAYER_INPUT ? reference.layerInput : captures.get(id))?.positions.length === this.#nTokens;
    return inputs.every(isThere) ? inputs : undefined;
  }
}
