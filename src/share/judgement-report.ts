import { TOOL } from '../base/version';
import { limitsOf } from '../divergence/limits';
import { REPORT_SCHEMA, type ModelCard, type Report, type Row, type Verdict } from '../divergence/report';
import type { Trace } from '../trace/trace';

/** A dump that was judged, as far as figures need it. */
export interface JudgedDump {
  readonly trace: Trace;
  readonly verdict: Verdict;
  /** Of mode `local`, forward order. */
  readonly rows: readonly Row[];
}

/** A judgement of another engine's captures as a report, so that every figure can show it. What a dump does not tell stays empty. */
export function judgementReport({ trace, verdict, rows }: JudgedDump, model: ModelCard, created: string): Report {
  const { arm: engine, adapter, inject, tokens } = trace.provenance;
  const positions = [...trace.captures.values()].reduce<readonly number[]>(
    (longest, captured) => (captured.positions.length > longest.length ? captured.positions : longest),
    [],
  );
  return {
    schema: REPORT_SCHEMA,
    tool: TOOL,
    created,
    model,
    run: {
      tokens: tokens ?? [],
      positions,
      stages: [...new Set(rows.map(({ stage }) => stage))],
      layers: [...new Set(rows.flatMap(({ layer }) => layer ?? []))],
      mode: 'local',
      arms: [engine, 'cpu'],
      candidate: { engine, title: adapter === undefined || adapter === '' ? engine : `${engine}, ${adapter}` },
      reference: { engine: 'exact' },
      ...(inject === undefined ? {} : { inject }),
    },
    limits: limitsOf(undefined),
    runtime: 'node',
    verdict,
    notes: ['A dump: every stage is held against the exact value of its own captured inputs.'],
    rows,
    routing: [],
    timing: { phases: [], perLayer: [] },
    memory: { gpuWeightBytes: 0, gpuPeakBytes: 0, traceBytes: 0, expertsRead: 0, bytesRead: 0 },
    top: { a: [], b: [] },
  };
}
