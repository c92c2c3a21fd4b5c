import { fail } from '../base/errors';
import { compareTraces, tracesOf, type EngineTraces } from '../divergence/compare-traces';
import type { Report } from '../divergence/report';
import type { Capture } from '../model/engine';
import { traceOfRun, type FinishedRun } from '../session/trace-of-run';
import { comparisonReport } from '../share/comparison-report';
import { without } from '../base/without';
import { traceBytes, type Trace } from '../trace/trace';
import { tracesToFiles } from '../trace/trace-files';
import { writeZip } from '../trace/zip';
import type { PageSource } from './page-source';
import { readFiles } from './read-files';
import type { CompareChoice, ReadResult, TensorFileFormat, TraceCard } from './trace-cards';

/** The last run: its report and what is kept of its tensors, by engine folder. */
export interface LastRun extends FinishedRun {
  readonly engines: ReadonlyMap<string, readonly Capture[]>;
}

interface Shelved {
  readonly file: string | undefined;
  readonly traces: EngineTraces;
}

const RUN = 'this run';

/** Traces in memory by id: what was read from files, and the engines of the last run. */
export class TraceStore {
  readonly #read = new Map<string, Shelved>();
  readonly #lastRun: () => LastRun | undefined;
  #count = 0;

  constructor(lastRun: () => LastRun | undefined) {
    this.#lastRun = lastRun;
  }

  async read(files: readonly PageSource[]): Promise<ReadResult> {
    const { named, views, ignored } = await readFiles(files);
    const added: TraceCard[] = [];
    for (const { file, traces } of named) {
      for (const [, engineTraces] of byEngine(traces)) {
        const id = `file-${String(this.#count++)}`;
        const entry = { file, traces: engineTraces };
        this.#read.set(id, entry);
        added.push(cardOf(id, entry));
      }
    }
    return { traces: added, ignored, views };
  }

  cards(): readonly TraceCard[] {
    return [...this.#runEntries(), ...this.#read].map(([id, entry]) => cardOf(id, entry));
  }

  compare(idA: string, idB: string, { common, force }: CompareChoice): Report {
    const a = this.#find(idA);
    const b = this.#find(idB);
    const comparison = compareTraces(a.traces, b.traces, { common, force });
    return comparisonReport(
      comparison,
      { name: a.file ?? RUN, traces: a.traces },
      { name: b.file ?? RUN, traces: b.traces },
      new Date().toISOString(),
    );
  }

  save(format: TensorFileFormat, withPrompt: boolean): Blob {
    const traces = this.#runTraces().map((trace) =>
      withPrompt ? trace : { ...trace, provenance: without(trace.provenance, 'tokens') },
    );
    if (traces.length === 0) {
      throw fail('usage', 'No tensors of a run are kept.', 'Run a prompt on this page first, then save its tensors.');
    }
    const bytes = writeZip(tracesToFiles(traces, format === 'npz' ? 'npy' : 'aprt'));
    return new Blob([bytes], { type: 'application/zip' });
  }

  #find(id: string): Shelved {
    const found = this.#read.get(id) ?? new Map(this.#runEntries()).get(id);
    if (found !== undefined) return found;
    throw fail('usage', 'One of the traces is no longer there.', 'Choose it again, or drop its file again.', { id });
  }

  #runTraces(): readonly Trace[] {
    const last = this.#lastRun();
    return last === undefined ? [] : [...last.engines].map(([folder, captures]) => traceOfRun(folder, captures, last));
  }

  #runEntries(): readonly (readonly [string, Shelved])[] {
    return byEngine(this.#runTraces()).map(
      ([engine, traces]) => [`run-${engine}`, { file: undefined, traces }] as const,
    );
  }
}

/** Free-running, isolated and local captures of an engine belong together. */
function byEngine(traces: readonly Trace[]): readonly (readonly [string, EngineTraces])[] {
  const engines = new Map<string, EngineTraces>();
  for (const trace of traces) {
    const { arm: engine, mode } = trace.provenance;
    engines.set(engine, { ...engines.get(engine), [mode]: trace });
  }
  return [...engines];
}

function cardOf(id: string, { file, traces }: Shelved): TraceCard {
  const all = tracesOf(traces);
  const said = all[0]?.provenance;
  const layers = new Set(
    all.flatMap((trace) => [...trace.captures.values()].flatMap((captured) => captured.layer ?? [])),
  );
  return {
    id,
    file,
    engine: said?.arm ?? 'trace',
    modes: all.map((trace) => trace.provenance.mode),
    model: said?.modelName,
    headerSha256: said?.headerSha256,
    nTokens: said?.tokens?.length,
    layers: layers.size,
    tensors: all.reduce((n, trace) => n + trace.captures.size, 0),
    bytes: all.reduce((n, trace) => n + traceBytes(trace), 0),
  };
}
