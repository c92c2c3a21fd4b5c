import { fail, toErrorData } from '../base/errors';
import { sliceCaptures, type SlicePlace, type CaptureSlice } from '../divergence/capture-slice';
import type { Capture } from '../model/engine';
import type { StageId } from '../model/stages';
import type { RunSpec } from './events';
import type { ModelSession, RunHandlers } from './model-session';
import { CaptureStore, type CaptureUsage } from './capture-store';
import { CHOSEN_EXPERTS } from '../model/stage-roles';

/** What became of the tensors that someone asks for. */
export type CaptureAnswer = { readonly usage: CaptureUsage } & (
  | { readonly kind: 'slice'; readonly slice: CaptureSlice }
  /** Captured, and given up for want of room; the layers up to it must run again to have it back. */
  | { readonly kind: 'dropped'; readonly bytes: number }
  /** The run did not capture this on both engines, or there was no run. */
  | { readonly kind: 'absent' }
);

type CaptureHandlers = Required<Pick<RunHandlers, 'onCapture' | 'onLocalCapture'>>;

function handlersOf(store: CaptureStore): CaptureHandlers {
  const keep = (folder: string, captured: Capture): void => {
    store.keep(folder, captured);
  };
  return { onCapture: keep, onLocalCapture: keep };
}

/** The tensors of the last run, as far as there is room for them, and the way to get the others back. */
export class CaptureInspector {
  readonly #kept: CaptureStore;
  /** What was asked for again: one (layer, stage) at a time. */
  readonly #fetched: CaptureStore;
  #spec: RunSpec | undefined;

  constructor(budget?: number) {
    this.#kept = new CaptureStore(budget);
    this.#fetched = new CaptureStore(budget);
  }

  /** Forgets everything; the model has changed. */
  clear(): void {
    this.#spec = undefined;
    this.#kept.clear();
    this.#fetched.clear();
  }

  /** A new run: what to hand its captures to. */
  begin(spec: RunSpec): CaptureHandlers {
    this.clear();
    this.#spec = spec;
    return handlersOf(this.#kept);
  }

  /** What is kept of the last run, by engine folder, and how much that is. */
  kept(): { readonly engines: ReadonlyMap<string, readonly Capture[]>; readonly usage: CaptureUsage } {
    return { engines: this.#kept.byEngine(), usage: this.#kept.usage() };
  }

  answer(place: SlicePlace): CaptureAnswer {
    const usage = this.#kept.usage();
    const slice = this.#slice(place);
    if (slice !== undefined) return { usage, kind: 'slice', slice };
    const bytes = this.#kept.droppedBytes(place.layer, place.stage);
    if (bytes === undefined) return { usage, kind: 'absent' };
    return { usage, kind: 'dropped', bytes };
  }

  /**
   * Runs the last prompt again up to the layer in question, capturing that stage alone.
   * @throws TracerError `usage` (nothing ran), `run-cancelled`, or what the run threw.
   */
  async fetch(place: SlicePlace, session: ModelSession, signal: AbortSignal): Promise<CaptureAnswer> {
    const before = this.answer(place);
    if (before.kind === 'slice') return before;
    if (this.#spec === undefined) throw fail('usage', 'Nothing has run yet.', 'Run a prompt first.');
    const bytes = before.kind === 'dropped' ? before.bytes : 0;
    const stages = `${place.stage},moe_router_indices`;
    const spec: RunSpec = {
      ...this.#spec,
      stages,
      layers: String(place.layer ?? 0),
      // One token alone where all of them do not fit.
      ...(bytes > this.#fetched.budget ? { positions: String(place.position) } : {}),
    };
    this.#fetched.clear();
    const enough = new AbortController();
    await session
      .run(spec, {
        ...handlersOf(this.#fetched),
        onEvent: (event) => {
          if (event.type !== 'rows' || event.layer !== place.layer) return;
          if (event.rows.some((row) => row.stage === place.stage)) enough.abort();
        },
        signal: AbortSignal.any([signal, enough.signal]),
      })
      .catch((error: unknown) => {
        // Stopped on purpose once the layer was there.
        if (!enough.signal.aborted || toErrorData(error).code !== 'run-cancelled') throw error;
      });
    return this.answer(place);
  }

  #slice(place: SlicePlace): CaptureSlice | undefined {
    for (const store of [this.#kept, this.#fetched]) {
      const slice = this.#sliceOf(store, place);
      if (slice !== undefined) return slice;
    }
    return undefined;
  }

  #sliceOf(store: CaptureStore, { layer, stage, position, mode }: SlicePlace): CaptureSlice | undefined {
    const [underTest, reference] = this.#spec?.engines ?? [];
    if (underTest === undefined || reference === undefined) return undefined;
    const folder = mode === 'isolated' ? `${underTest}-isolated` : underTest;
    const of = (engine: string, id: StageId): Capture | undefined => store.get(engine, layer, id);
    const a = of(folder, stage);
    const b = of(mode === 'local' ? `${reference}-local` : reference, stage);
    if (a === undefined || b === undefined) return undefined;
    if (!a.positions.includes(position) || !b.positions.includes(position)) return undefined;
    return sliceCaptures(
      {
        a,
        b,
        indicesA: of(underTest, CHOSEN_EXPERTS),
        // The exact values of the candidate's own inputs are of the experts that it chose.
        indicesB: of(mode === 'local' ? underTest : reference, CHOSEN_EXPERTS),
      },
      position,
      mode,
    );
  }
}
