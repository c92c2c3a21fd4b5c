import { useCallback, useEffect, useRef, useState } from 'react';
import { toErrorData, type ErrorData } from '../../base/errors';
import type { SelftestClient, SelftestOrder } from '../../selftest/selftest-client';
import type { SelftestReport, SelftestRow } from '../../selftest/selftest-report';
import { START, type SelftestState } from './selftest-state';

/** Rows are shown at most this often (ms): a case takes less than drawing the table. */
const DRAW_MS = 150;

/** What the page can do with a self-test. */
export interface SelftestHands {
  readonly state: SelftestState;
  readonly run: (order: SelftestOrder) => void;
  readonly cancel: () => void;
  readonly tell: (text: string) => void;
}

/**
 * Runs the self-test, and again on demand.
 * @param onOutcome told once a run has ended
 */
export function useSelftest(
  client: SelftestClient,
  first: SelftestOrder,
  onOutcome: (outcome: SelftestReport | ErrorData) => void,
): SelftestHands {
  const [state, setState] = useState<SelftestState>(START);
  const started = useRef(false);
  const run = useCallback(
    (order: SelftestOrder): void => {
      const rows: SelftestRow[] = [];
      let drawn = 0;
      setState(START);
      client
        .run(order, (row, done, total) => {
          rows.push(row);
          const now = performance.now();
          if (now - drawn < DRAW_MS && done < total) return;
          drawn = now;
          setState((before) => ({ ...before, rows: [...rows], total }));
        })
        .then(
          (report) => {
            setState((before) => ({ ...before, phase: 'done', rows: report.rows, total: report.rows.length, report }));
            onOutcome(report);
          },
          (thrown: unknown) => {
            const error = toErrorData(thrown);
            const phase = error.code === 'run-cancelled' ? 'cancelled' : 'error';
            setState((before) => ({ ...before, phase, rows: [...rows], error: phase === 'error' ? error : undefined }));
            onOutcome(error);
          },
        );
    },
    [client, onOutcome],
  );
  useEffect(() => {
    // React mounts twice while developing; the GPU is asked once.
    if (started.current) return;
    started.current = true;
    run(first);
  }, [run, first]);
  useEffect(() => {
    document.documentElement.dataset['state'] = state.phase;
  }, [state.phase]);
  return {
    state,
    run,
    cancel: () => {
      client.cancel();
    },
    tell: (told) => {
      setState((before) => ({ ...before, told }));
    },
  };
}
