import { EMBEDDING, LAYER_OUTPUT } from '../model/stage-roles';
import type { Row } from '../divergence/report';
import { judgedRows } from '../judge/judged-rows';
import { localErrors, type LocalError, type LocalErrors, type LocalErrorsInput } from '../judge/local-errors';
import type { IsolatingEngine, StepResult, Capture } from '../model/engine';
import type { StageId } from '../model/stages';

export interface LocalWatchInput extends Pick<
  LocalErrorsInput,
  'exact' | 'quantised' | 'hparams' | 'positions' | 'sumOrder' | 'bridge'
> {
  readonly candidate: string;
  /** ggml type of a tensor by its name. */
  readonly typeOf: (tensor: string) => string | undefined;
}

/** Holds a candidate that runs step by step to the exact value of its own captured inputs. */
export class LocalWatch {
  readonly #in: LocalWatchInput;
  readonly #errors: LocalError[] = [];
  /** The candidate's output of the step before. */
  #layerInput: Capture | undefined;

  constructor(input: LocalWatchInput) {
    this.#in = input;
  }

  /**
   * The local errors of one step, in turn.
   * @param layer undefined: the whole-model stages
   * @param how `past`: what is kept of the positions before the step; `isolate`: in place of the exact engine's
   */
  async step(
    layer: number | undefined,
    stages: readonly StageId[],
    { captures }: StepResult,
    signal: AbortSignal | undefined,
    { past, isolate }: Pick<LocalErrorsInput, 'past'> & Partial<Pick<IsolatingEngine, 'isolate'>> = {},
  ): Promise<LocalErrors> {
    const judged = await localErrors({
      ...this.#in,
      layer,
      stages,
      own: captures,
      layerInput: this.#layerInput,
      signal,
      ...(isolate === undefined ? {} : { exact: { ...this.#in.exact, isolate } }),
      ...(past === undefined ? {} : { past }),
    });
    this.handOver(layer, captures);
    this.add(judged.errors);
    return judged;
  }

  /** The same for a step that is judged elsewhere: what it reads of the step before. Its errors are added when they are there, in turn. */
  handOver(layer: number | undefined, captures: StepResult['captures']): Capture | undefined {
    const input = this.#layerInput;
    this.#layerInput = captures.get(layer === undefined ? EMBEDDING : LAYER_OUTPUT);
    return input;
  }

  add(errors: readonly LocalError[]): void {
    this.#errors.push(...errors);
  }

  /** Rows to show meanwhile: an arithmetic is named once all layers are there. */
  provisional(errors: readonly LocalError[]): readonly Row[] {
    return this.#rowsOf(errors);
  }

  /** The rows of all steps. */
  rows(): readonly Row[] {
    return this.#rowsOf(this.#errors);
  }

  #rowsOf(errors: readonly LocalError[]): readonly Row[] {
    if (this.#in.quantised === undefined) return errors.map(({ row }) => row);
    return judgedRows(errors, this.#in).rows;
  }
}
