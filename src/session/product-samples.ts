import type { SumOrder } from '../base/f32-error';
import type { Cause } from '../divergence/cause';
import type { Row } from '../divergence/report';
import type { ModelFile } from '../gguf/model-file';
import type { LocalErrors } from '../judge/local-errors';
import type { Capture } from '../model/engine';
import type { HParams } from '../model/hparams';
import { locationKey } from '../model/location';
import type { StageId } from '../model/stages';
import { explainProduct } from './explain-product';
import { sampleProduct, type ProductSample } from './product-sample';

type Captures = ReadonlyMap<StageId, Capture>;

/** Wrong products that are looked into: the first, and a few that may be wrong on their own account. */
const MOST_EXPLAINED = 4;
/** Products of a stranger that are kept until its arithmetic is known; the rest of a run that is wrong throughout tells nothing new. */
const MOST_KEPT = 1000;

/** A few values of each product that is wrong although its input is right: captures are dropped when their step ends. */
export class ProductSamples {
  readonly #hparams: HParams;
  readonly #order: SumOrder;
  readonly #samples: ProductSample[] = [];
  /** Of a stranger, held to f32 and to quantised activations: which of them counts is known once its arithmetic is. */
  readonly #strange = new Map<string, ProductSample>();

  constructor(hparams: HParams, order: SumOrder) {
    this.#hparams = hparams;
    this.#order = order;
  }

  /** @param actual what is judged @param reference what it is held to, with bounds; inputs at all positions */
  take(rows: readonly Row[], actual: Captures, reference: Captures | undefined): void {
    for (const row of rows) {
      if (this.#samples.length >= MOST_EXPLAINED || reference === undefined) return;
      const sample = sampleProduct(row, actual, reference, this.#hparams, this.#order);
      if (sample !== undefined) this.#samples.push(sample);
    }
  }

  /** The same of a run as it was: the exact values are those of its own inputs. */
  takeLocal({ errors, truth, emulated }: Omit<LocalErrors, 'cost'>, own: Captures | undefined): void {
    if (own === undefined) return;
    for (const { row } of errors) {
      const exact = truth.get(row.stage);
      if (exact === undefined) continue;
      if (emulated === undefined) this.take([row], own, new Map([...own, [row.stage, exact]]));
      else this.#takeStrange(row, own, exact, 'f32');
    }
    for (const [stage, row] of emulated?.rows ?? []) {
      const rounded = emulated?.captures.get(stage);
      if (rounded !== undefined) this.#takeStrange(row, own, rounded, 'q8-activations');
    }
  }

  #takeStrange(row: Row, own: Captures, held: Capture, arithmetic: NonNullable<ProductSample['arithmetic']>): void {
    if (this.#strange.size >= MOST_KEPT) return;
    const sample = sampleProduct(row, own, new Map([...own, [row.stage, held]]), this.#hparams, this.#order);
    if (sample !== undefined) this.#strange.set(keyOf(row, arithmetic), { ...sample, arithmetic });
  }

  /**
   * What those values look like, by place.
   * @param local a stranger's rows once its arithmetic is named
   * @throws TracerError as `ModelFile.readTensor`; `run-cancelled`
   */
  async explain(
    model: ModelFile,
    local: readonly Row[],
    signal: AbortSignal | undefined,
  ): Promise<ReadonlyMap<string, Cause>> {
    const wrong = local.filter(({ verdict }) => verdict === 'diverge' || verdict === 'nan-gpu');
    const strange = wrong.flatMap((row) => this.#strange.get(keyOf(row, row.arithmetic ?? 'f32')) ?? []);
    const causes = new Map<string, Cause>();
    for (const sample of [...this.#samples, ...strange.slice(0, MOST_EXPLAINED)]) {
      const cause = await explainProduct(sample, model, this.#hparams, signal);
      if (cause !== undefined) causes.set(locationKey(sample.layer, sample.stage), cause);
    }
    return causes;
  }
}

function keyOf({ layer, stage }: Row, arithmetic: string): string {
  return `${locationKey(layer, stage)} ${arithmetic}`;
}
