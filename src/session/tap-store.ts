import type { Tap } from '../model/engine';
import { stageSpec, type StageId } from '../model/stages';
import { locationKey } from '../model/location';

/** What a store holds at most unless told otherwise: enough for the sample's every tensor, little beside a model. */
export const TAP_BUDGET = 128 * 2 ** 20;

export interface TapUsage {
  /** Bytes of tensors and bounds kept. */
  readonly bytes: number;
  readonly budget: number;
  /** (layer, stage) pairs kept and given up. */
  readonly kept: number;
  readonly dropped: number;
}

/** One (layer, stage) with the tap of every engine: kept or given up as a whole, since one engine alone compares with nothing. */
interface Unit {
  readonly key: string;
  /** Lower is kept longer. */
  readonly rank: number;
  bytes: number;
  readonly taps: Map<string, Tap>;
}

/**
 * Keeps taps of a run up to a budget of bytes. Routing and the headline stages go before the others; among equals the earlier layers, where
 * a divergence begins. What had to go is remembered by its size.
 */
export class TapStore {
  readonly budget: number;
  readonly #units = new Map<string, Unit>();
  /** Bytes of what was given up. */
  readonly #dropped = new Map<string, number>();
  #bytes = 0;

  constructor(budget: number = TAP_BUDGET) {
    this.budget = budget;
  }

  clear(): void {
    this.#units.clear();
    this.#dropped.clear();
    this.#bytes = 0;
  }

  /** `engine` is the folder that the tap would be saved in: `gpu`, `gpu-isolated`, `cpu`. */
  keep(engine: string, tap: Tap): void {
    const key = locationKey(tap.layer, tap.stage);
    const bytes = tap.data.byteLength + (tap.bound?.byteLength ?? 0);
    const gone = this.#dropped.get(key);
    if (gone !== undefined) {
      this.#dropped.set(key, gone + bytes);
      return;
    }
    const unit = this.#units.get(key) ?? { key, rank: rankOf(tap.stage), bytes: 0, taps: new Map<string, Tap>() };
    this.#units.set(key, unit);
    unit.taps.set(engine, tap);
    unit.bytes += bytes;
    this.#bytes += bytes;
    while (this.#bytes > this.budget) this.#drop(this.#last());
  }

  get(engine: string, layer: number | undefined, stage: StageId): Tap | undefined {
    return this.#units.get(locationKey(layer, stage))?.taps.get(engine);
  }

  /** Everything kept, by engine. */
  byEngine(): ReadonlyMap<string, readonly Tap[]> {
    const engines = new Map<string, Tap[]>();
    for (const { taps } of this.#units.values()) {
      for (const [engine, tap] of taps) {
        const list = engines.get(engine);
        if (list === undefined) engines.set(engine, [tap]);
        else list.push(tap);
      }
    }
    return engines;
  }

  /** Bytes of a (layer, stage) that was captured and given up; undefined for anything else. */
  droppedBytes(layer: number | undefined, stage: StageId): number | undefined {
    return this.#dropped.get(locationKey(layer, stage));
  }

  usage(): TapUsage {
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
