import type { Capture } from '../model/engine';
import { stageSpec, type StageId } from '../model/stages';
import { locationKey } from '../model/location';

/** What a store holds at most unless told otherwise: enough for the sample's every tensor, little beside a model. */
export const CAPTURE_BUDGET = 128 * 2 ** 20;

export interface CaptureUsage {
  /** Bytes of tensors and bounds kept. */
  readonly bytes: number;
  readonly budget: number;
  /** (layer, stage) pairs kept and given up. */
  readonly kept: number;
  readonly dropped: number;
}

/** One (layer, stage) with the capture of every engine: kept or given up as a whole, since one engine alone compares with nothing. */
interface Unit {
  readonly key: string;
  /** Lower is kept longer. */
  readonly rank: number;
  bytes: number;
  readonly captures: Map<string, Capture>;
}

/**
 * Keeps captures of a run up to a budget of bytes. Routing and the headline stages go before the others; among equals the earlier layers, where
 * a divergence begins. What had to go is remembered by its size.
 */
export class CaptureStore {
  readonly budget: number;
  readonly #units = new Map<string, Unit>();
  /** Bytes of what was given up. */
  readonly #dropped = new Map<string, number>();
  #bytes = 0;

  constructor(budget: number = CAPTURE_BUDGET) {
    this.budget = budget;
  }

  clear(): void {
    this.#units.clear();
    this.#dropped.clear();
    this.#bytes = 0;
  }

  /** `engine` is the folder that the capture would be saved in: `gpu`, `gpu-isolated`, `cpu`. */
  keep(engine: string, captured: Capture): void {
    const key = locationKey(captured.layer, captured.stage);
    const bytes = captured.data.byteLength + (captured.bound?.byteLength ?? 0);
    const gone = this.#dropped.get(key);
    if (gone !== undefined) {
      this.#dropped.set(key, gone + bytes);
      return;
    }
    const unit = this.#units.get(key) ?? {
      key,
      rank: rankOf(captured.stage),
      bytes: 0,
      captures: new Map<string, Capture>(),
    };
    this.#units.set(key, unit);
    unit.captures.set(engine, captured);
    unit.bytes += bytes;
    this.#bytes += bytes;
    while (this.#bytes > this.budget) this.#drop(this.#last());
  }

  get(engine: string, layer: number | undefined, stage: StageId): Capture | undefined {
    return this.#units.get(locationKey(layer, stage))?.captures.get(engine);
  }

  /** Everything kept, by engine. */
  byEngine(): ReadonlyMap<string, readonly Capture[]> {
    const engines = new Map<string, Capture[]>();
    for (const { captures } of this.#units.values()) {
      for (const [engine, captured] of captures) {
        const list = engines.get(engine);
        if (list === undefined) engines.set(engine, [captured]);
        else list.push(captured);
      }
    }
    return engines;
  }

  /** Bytes of a (layer, stage) that was captured and given up; undefined for anything else. */
  droppedBytes(layer: number | undefined, stage: StageId): number | undefined {
    return this.#dropped.get(locationKey(layer, stage));
  }

  usage(): CaptureUsage {
    return { bytes: this.#bytes, budget: this.budget, kept: this.#units.size, dropped: this.#dropped.size };
  }

  /** What to give up first: the highest rank, and there the latest. The store is not empty. */
  #last(): Unit {
    let last: Unit | undefined;
    for (const unit of this.#units.values()) if (last === undefined || unit.rank >= last.rank) last = unit;
    if (last === undefined) throw new Error('nothing to drop');
    return last;
  }

  #drop(unit: Unit): void {
    this.#units.delete(unit.key);
    this.#dropped.set(unit.key, unit.bytes);
    this.#bytes -= unit.bytes;
  }
}

/** Routing is small and aligns the others; the headline stages; what a row a token makes; what grows with keys, experts or the vocabulary. */
function rankOf(stage: StageId): number {
  const { headline, shape } = stageSpec(stage);
  const dims: readonly string[] = shape;
  if (dims.includes('nExpert') || (dims.includes('nExpertUsed') && dims.length === 2)) return 0;
  if (headline) return 1;
  return dims.includes('nKeys') || dims.includes('nVocab') || dims.includes('nExpertUsed') ? 3 : 2;
}
