import type { Browser, TestInfo } from '@playwright/test';
import type { Report } from '../divergence/report';
import type { AdapterDemand } from './adapter-demand';

/** The option `moescope` of a project or of `test.use`. */
export interface MoescopeOptions {
  /** Which GPU every run of a test demands. Left out: any. */
  readonly adapter?: AdapterDemand;
  /** Where the page is already served; left out, it is served by the test's own process. */
  readonly url?: string;
}

/** A run of a test, kept until it is known whether the test passes. */
export interface TestRun {
  readonly report: Report;
  /** Draws the picture; undefined where a browser cannot make pages of its own. */
  readonly browser: Browser | undefined;
}

interface TestState {
  readonly options: MoescopeOptions;
  readonly runs: TestRun[];
}

const states = new WeakMap<TestInfo, TestState>();

/** Lets a test's runs be found by {@link stateOf} from now on. */
export function openState(info: TestInfo, options: MoescopeOptions): TestState {
  const state = { options, runs: [] };
  states.set(info, state);
  return state;
}

/** Options and runs of a test; undefined where it does not use this package's `test`. */
export function stateOf(info: TestInfo): TestState | undefined {
  return states.get(info);
}
