import type { EngineService } from './engine-service';

/** What of the service is no call of the page. */
type Internal = 'hello' | 'dispose';

/**
 * What the page asks of the engine, and nothing else: {@link EngineService} behind a Web Worker; tests put a generated report in its place.
 * Every promise rejects with a `TracerError` whose `code` is intact; `adapter` never rejects.
 */
export type EngineClient = {
  [Name in Exclude<keyof EngineService, Internal>]: (
    ...args: Parameters<EngineService[Name]>
  ) => Promise<Awaited<ReturnType<EngineService[Name]>>>;
};
