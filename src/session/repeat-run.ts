import { hashWords } from '../base/hash';
import { plural } from '../base/format';
import type { RepeatResult, Report } from '../divergence/report';
import type { Capture } from '../model/engine';
import { locationKey, type Location } from '../model/location';
import { unsteadySentence } from '../divergence/unsteady';
import type { SessionEvent } from './events';
import { runSession } from './run-session';
import type { SessionEngines, SessionInput } from './session-input';

interface CapturedBits extends Location {
  readonly positions: readonly number[];
  /** A fingerprint for each captured token, in order. */
  readonly rows: readonly string[];
}

/** The bits of what one run of an engine captured, without its values: forward order, as they arrive. */
export class BitsOfRun {
  readonly #captures = new Map<string, CapturedBits>();

  get size(): number {
    return this.#captures.size;
  }

  add({ layer, stage, data, positions }: Capture): void {
    const width = data.length / positions.length;
    const words = new Uint32Array(data.buffer, data.byteOffset, data.length);
    const ofRow = (_: unknown, row: number): string => hashWords(words.subarray(row * width, (row + 1) * width));
    this.#captures.set(locationKey(layer, stage), { layer, stage, positions, rows: positions.map(ofRow) });
  }

  has({ layer, stage }: Location): boolean {
    return this.#captures.has(locationKey(layer, stage));
  }

  /** Where another run of the same plan has other bits, forward order, with the first such token. */
  others(now: BitsOfRun): readonly (Location & { readonly position: number })[] {
    return [...this.#captures].flatMap(([place, { layer, stage, positions, rows }]) => {
      const again = now.#captures.get(place)?.rows;
      const at = positions.find((_, row) => rows[row] !== again?.[row]);
      return at === undefined ? [] : [{ layer, stage, position: at }];
    });
  }
}

/**
 * {@link runSession}, and where the run asks for it (`repeat`) the engine under test again, alone and with the same input, until its bits
 * change or it has run often enough. A run whose bits change has no verdict.
 * @param open the engines for another run
 * @throws what `runSession` throws; the matching event is sent first
 */
export async function runAsOftenAsAsked(input: SessionInput, open: () => Promise<SessionEngines>): Promise<Report> {
  const { spec, onEvent, onCapture } = input;
  const { repeat: runs = 1 } = spec;
  if (runs < 2) return runSession(input);
  const [engine] = spec.engines;
  const first = new BitsOfRun();
  const report = await runSession({
    ...input,
    onEvent: (event) => {
      if (event.type !== 'done') onEvent(event);
    },
    onCapture: async (folder, captured) => {
      if (folder === engine) first.add(captured);
      await onCapture?.(folder, captured);
    },
  });
  const again = async (): Promise<BitsOfRun> => {
    const engines = await open();
    const bits = new BitsOfRun();
    await runSession({
      ...input,
      spec: { ...spec, engines: spec.engines.slice(0, 1), mode: 'free', decode: 0 },
      engines: engines.a === undefined ? { b: engines.b } : { a: engines.a },
      onEvent: (event) => {
        if (AGAIN.has(event.type)) onEvent(event);
      },
      onCapture: (_, captured) => {
        bits.add(captured);
      },
      reopen: undefined,
    });
    return bits;
  };
  // Where the engine ran stages alone only, there is no run yet to hold another to.
  const result = await compareRuns(runs, first.size > 0 ? first : await again(), again);
  const told = withRepeat(report, result);
  onEvent({ type: 'done', report: told });
  return told;
}

/** What another run tells: the first has said all else. */
const AGAIN: ReadonlySet<SessionEvent['type']> = new Set(['progress', 'cancelled', 'failed']);

/**
 * @param runs all of them, the first included
 * @param first what the first run captured
 * @param again runs once more and captures the same
 */
export async function compareRuns(
  runs: number,
  first: BitsOfRun,
  again: () => Promise<BitsOfRun>,
): Promise<RepeatResult> {
  const tensors = first.size;
  for (let run = 2; run <= runs; run++) {
    const others = first.others(await again());
    const [earliest] = others;
    if (earliest === undefined) continue;
    const { layer, stage, position } = earliest;
    const place = `${layer === undefined ? stage : `layer ${layer}, ${stage}`}, token ${position}`;
    return {
      status: 'unsteady',
      runs: run,
      tensors,
      changed: others.length,
      first: earliest,
      sentence: `${unsteadySentence(`run ${run} of ${runs}`, place)}; ${others.length} of ${plural(tensors, 'captured tensor')} changed`,
    };
  }
  const sentence = `STEADY: ${plural(runs, 'run')} of the same prompt, ${plural(tensors, 'captured tensor')}: not a bit changes`;
  return { status: 'steady', runs, tensors, changed: 0, sentence };
}

/** The report of the first run with what the others say. A match that another run would not give is none. */
function withRepeat(report: Report, repeat: RepeatResult): Report {
  const { verdict } = report;
  if (repeat.status === 'steady' || verdict.first !== undefined) return { ...report, repeat };
  return { ...report, repeat, verdict: { ...verdict, status: 'diverged', sentence: repeat.sentence } };
}
