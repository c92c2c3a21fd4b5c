import { say } from '../../base/foreign-text';
import type { Report } from '../../divergence/report';
import { liveBackend } from '../../model/live';
import type { SessionEvent } from '../../session/events';
import type { Terminal } from '../terminal/terminal';
import { nodeElseBrowser } from './node-else-browser';
import type { NodeRunner } from './node-runtime';
import { needsNode, type TraceRequest } from './request';

/**
 * Runs a request where `--runtime` says. What only Node can do keeps `auto` there.
 * @param runner runs what runs in Node; one for this run alone where there is none
 */
export function runSomewhere(
  request: TraceRequest,
  onEvent: (event: SessionEvent) => void,
  signal: AbortSignal,
  notes: Terminal | undefined,
  runner?: NodeRunner,
): Promise<Report> {
  const isNodes = needsNode(request) || request.spec.engines.some((engine) => liveBackend(engine) !== undefined);
  return nodeElseBrowser(request.runtime === 'auto' && isNodes ? 'node' : request.runtime, {
    async inNode() {
      if (runner !== undefined) return runner.run(request, onEvent, signal);
      const own = (await import('./node-runtime')).nodeRunner(request);
      try {
        return await own.run(request, onEvent, signal);
      } finally {
        const disposed = own.dispose();
        if (signal.aborted) disposed.catch(() => undefined);
        else await disposed;
      }
    },
    inBrowser: async () => (await import('./browser-runtime')).runInBrowser(request, onEvent, signal),
    note: (text) => notes?.err(say`${text}\n`),
  });
}
