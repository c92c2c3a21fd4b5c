import { plural } from '../base/format';
import type { Report, RunStatus } from '../divergence/report';
import { findingOf, findingText } from '../plots/finding';
import { viewOfReport } from '../plots/trace-view';

/** A run that this browser keeps. */
export interface KeptRun {
  /** Names it in addresses. */
  readonly id: string;
  /** ISO 8601, UTC. */
  readonly created: string;
  readonly model: string;
  /** What ran: how many tokens, and with which defect. Absent of runs that were kept before it was. */
  readonly what?: string;
  readonly status: RunStatus;
  /** What it found, in one line. */
  readonly finding: string;
}

/** Where the last runs are kept; the browser's database, or nothing where there is none. */
export interface RunStore {
  /** The newest first. */
  list(): Promise<readonly KeptRun[]>;
  /** Keeps a run, and lets go of the oldest. */
  keep(run: KeptRun, report: Report): Promise<void>;
  open(id: string): Promise<Report | undefined>;
  forget(id: string): Promise<void>;
}

/** So many runs are kept. */
export const MOST_RUNS = 5;

/** A run's name: the moment of its making, in few letters. */
export function runId({ created }: Report): string {
  const time = Date.parse(created);
  return Number.isFinite(time) ? time.toString(36) : created.replace(/\W+/g, '').slice(0, 40);
}

export function keptRunOf(report: Report): KeptRun {
  return {
    id: runId(report),
    created: report.created,
    model: report.model.name,
    what: [plural(report.run.tokens.length, 'token'), ...(report.run.inject ?? [])].join(', '),
    status: report.verdict.status,
    finding: findingText(findingOf(viewOfReport(report), report).head),
  };
}

/** Keeps nothing. */
export const NO_STORE: RunStore = {
  list: () => Promise.resolve([]),
  keep: () => Promise.resolve(),
  open: () => Promise.resolve(undefined),
  forget: () => Promise.resolve(),
};
