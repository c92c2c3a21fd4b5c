import type { TraceRequest } from '../trace/request';

/** What is to run, and where. */
export interface SelftestRequest {
  readonly kernels: readonly string[] | undefined;
  readonly types: readonly string[] | undefined;
  readonly everything: boolean;
  readonly adapter: TraceRequest['adapter'];
  readonly device: string | undefined;
}
