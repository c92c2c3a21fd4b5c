import { toErrorData, type ErrorCode } from '../../base/errors';
import type { Report } from '../../divergence/report';
import type { SessionEvent } from '../../session/events';
import type { Terminal } from '../terminal';
import type { NodeRunner } from './node-runtime';
import type { TraceRequest } from './request';

/**
 * `auto`: Node where Dawn finds an adapter of the kind asked for, else headless Chromium.
 * @param runner runs what runs in Node; one for this run alone where there is none
 */
export async function runSomewhere(
  request: TraceRequest,
  onEvent: (event: SessionEvent) => void,
  signal: AbortSignal,
  notes: Terminal | undefined,
  runner?: NodeRunner,
): Promise<Report> {
  const inNode = async (): Promise<Report> => {
    if (runner !== undefined) return runner.run(request, onEvent, signal);
    const own = (await import('./node-runtime')).nodeRunner(request.adapter);
    try {
      return await own.run(request, onEvent, signal);
    } finally {
      await own.dispose();
    }
  };
  const inBrowser = async (): Promise<Report> =>
    (await import('./browser-runtime')).runInBrowser(request, onEvent, signal);
  if (request.runtime === 'browser') return inBrowser();
  try {
    return await inNode();
  } catch (error) {
    const { code, message } = toErrorData(error);
    const needsNode = request.save !== undefined || request.spec.gpuBudget !== undefined;
    const isPinned = request.runtime === 'node' || needsNode;
    if (!isAboutAdapters(code) || isPinned) throw error;
    notes?.err(`Node: ${message} Trying headless Chromium.\n`);
    return inBrowser().catch((browserError: unknown) => {
      const { code: browserCode } = toErrorData(browserError);
      // What stopped Node says more than that there is no browser, no page or no adapter there either.
      throw isAboutAdapters(browserCode) || browserCode === 'usage' ? error : browserError;
    });
  }
}

function isAboutAdapters(code: ErrorCode): boolean {
  return code === 'gpu-unavailable' || code === 'gpu-adapter';
}
