import { toErrorData, type ErrorCode } from '../../base/errors';
import type { TraceRequest } from './request';

/** The two places where a GPU can be. */
export interface Places<T> {
  readonly inNode: () => Promise<T>;
  readonly inBrowser: () => Promise<T>;
  /** Told when Node has no adapter of the kind asked for. */
  readonly note: (text: string) => void;
}

/**
 * What `--runtime` says: Node, headless Chromium, or (`auto`) Node where Dawn finds an adapter of the kind asked for, else Chromium.
 * @throws TracerError of the place that says most
 */
export async function nodeElseBrowser<T>(runtime: TraceRequest['runtime'], places: Places<T>): Promise<T> {
  if (runtime === 'browser') return places.inBrowser();
  try {
    return await places.inNode();
  } catch (error) {
    const { code, message } = toErrorData(error);
    if (!isAboutAdapters(code) || runtime === 'node') throw error;
    places.note(`Node: ${message} Trying headless Chromium.`);
    return places.inBrowser().catch((browserError: unknown) => {
      const { code: browserCode } = toErrorData(browserError);
      // What stopped Node says more than that there is no browser, no page or no adapter there either; which adapter was refused says more yet.
      throw browserCode === 'gpu-unavailable' || browserCode === 'usage' ? error : browserError;
    });
  }
}

function isAboutAdapters(code: ErrorCode): boolean {
  return code === 'gpu-unavailable' || code === 'gpu-adapter';
}
