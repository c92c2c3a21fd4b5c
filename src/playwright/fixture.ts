import {
  test as base,
  type Expect,
  type PlaywrightTestArgs,
  type PlaywrightTestOptions,
  type PlaywrightWorkerArgs,
  type PlaywrightWorkerOptions,
  type TestType,
} from '@playwright/test';
import { attachRun } from './attachments';
import { toMatchBaseline, toMatchReference } from './matchers';
import { openState, type MoescopeOptions } from './settings';

/** What `test` has beside Playwright's own fixtures. */
export interface MoescopeFixtures {
  /** Set it in a project's `use`, or with `test.use({ moescope: { adapter: 'hardware' } })`. */
  readonly moescope: MoescopeOptions;
  /** Attaches the runs of a test that fails. */
  readonly moescopeRuns: undefined;
}

/** Playwright's `test`; a test that fails carries the reports of its runs (JSON) and their pictures (PNG). */
export const test: TestType<
  PlaywrightTestArgs & PlaywrightTestOptions & MoescopeFixtures,
  PlaywrightWorkerArgs & PlaywrightWorkerOptions
> = base.extend<MoescopeFixtures>({
  moescope: [{}, { option: true }],
  moescopeRuns: [
    async ({ moescope }, use, info) => {
      const { runs } = openState(info, moescope);
      await use(undefined);
      if (info.status === info.expectedStatus) return;
      for (const [i, run] of runs.entries()) await attachRun(info, run, i + 1);
    },
    { auto: true },
  ],
});

/** Playwright's `expect` with `toMatchReference()` and `toMatchBaseline(file)` for reports. */
export const expect: Expect<{
  toMatchReference: typeof toMatchReference;
  toMatchBaseline: typeof toMatchBaseline;
}> = base.expect.extend({ toMatchReference, toMatchBaseline });
