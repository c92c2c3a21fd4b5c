import type { ScanReport } from '../session/scan-lines';
import type { EngineClient } from '../worker/client-types';

export { hasAlarm, scanHead, scanLines, type ScanLine, type ScanReport } from '../session/scan-lines';

export interface ScanActions {
  /** Reads every block of the opened model. @throws TracerError those of `EngineClient.scan` */
  scan(onProgress: (done: number, total: number) => void): Promise<ScanReport>;
  /** Ends it. */
  endScan(): Promise<void>;
}

export function scanActions(client: EngineClient): ScanActions {
  return { scan: (onProgress) => client.scan(onProgress), endScan: () => client.cancel() };
}
