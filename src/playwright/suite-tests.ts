import { mkdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Page, TestInfo } from '@playwright/test';
import { toErrorData, type ErrorData } from '../base/errors';
import { TOOL } from '../base/version';
import { writeWhole } from '../cli/files/atomic-file';
import { outcomeOf, shardFromJson, shardToJson, SHARD_SCHEMA, type ShardRun } from '../regression/shard-result';
import { WHOLE } from '../regression/shards';
import { redactedSuite, suiteFromJson, suiteRuns, type Suite, type SuiteRun } from '../regression/suite';
import { modelOf } from '../cli/suite/model-of';
import { fingerprintModel, madeBy } from '../cli/suite/made-by';
import type { AdapterDemand } from './adapter-demand';
import { callAt, callerOf } from './declare-at';
import { expect, test } from './fixture';
import { stateOf } from './settings';
import { traceModel, type TraceModelOptions } from './trace-model';

/**
 * Declares a test for every run of a suite file, so that Playwright's own sharding, retries and remote browsers deal them out. Each test
 * writes its result below `out`; `moescope merge out/*.json` joins those of all machines and shows what none of them ran.
 * @param file the suite, from the working folder
 * @throws TracerError `suite-format`
 */
export function suiteTests(file: string, { out }: { readonly out: string }): void {
  const place = callerOf(suiteTests);
  const suite = suiteFromJson(readFileSync(file, 'utf8'));
  const declare = (run: SuiteRun): void => {
    callAt(place, test, run.id, async ({ page }: { readonly page: Page }, info: TestInfo) => {
      const result = resultFile(out, run, suite, info);
      const started = performance.now();
      const made = await madeOf(run, suite, file, stateOf(info)?.options.adapter);
      const done = (more: Pick<ShardRun, 'failures' | 'outcome'>): Promise<void> =>
        result.write({ id: run.id, seconds: (performance.now() - started) / 1000, ...more, ...made });
      await result.write(undefined);
      const report = await traceModel(page, optionsOf(run, suite, file)).catch(async (error: unknown) => {
        await done({ failures: [...result.failures, toErrorData(error)] });
        throw error;
      });
      await done({ failures: result.failures, outcome: outcomeOf(run.id, report) });
      expect(report).toMatchReference();
    });
  };
  // In a file that is not parallel Playwright gives all tests to one shard.
  callAt(place, test.describe, basename(file), () => {
    test.describe.configure({ mode: 'parallel' });
    for (const run of suiteRuns(suite)) declare(run);
  });
}

/** What a run is made of; nothing where its model cannot be opened, which the run itself tells. */
async function madeOf(
  run: SuiteRun,
  suite: Suite,
  file: string,
  demand: AdapterDemand = 'any',
): Promise<Pick<ShardRun, 'made'>> {
  const adapter = typeof demand === 'string' ? demand : JSON.stringify(demand);
  const demands = { suite, adapter, runtime: 'browser', baseline: undefined, repeat: 1, isAccepted: false };
  return fingerprintModel(modelOf(run.model, file)).then(
    async (model) => ({ made: await madeBy(run, model, demands) }),
    () => ({}),
  );
}

function optionsOf({ model, prompt, mode }: SuiteRun, suite: Suite, file: string): TraceModelOptions {
  const { stages, layers, positions, inject } = suite;
  return {
    file: modelOf(model, file),
    ...('tokens' in prompt ? { tokens: prompt.tokens } : { prompt: prompt.text, chat: prompt.chat ?? false }),
    mode,
    ...(stages === undefined ? {} : { stages: stages.split(',') }),
    ...(layers === undefined ? {} : { layers }),
    ...(positions === undefined ? {} : { positions }),
    ...(inject === undefined ? {} : { inject }),
  };
}

interface ResultFile {
  /** Of the attempts before this one. */
  readonly failures: readonly ErrorData[];
  /** Replaces what is there. @param run undefined: it is under way */
  write(run: ShardRun | undefined): Promise<void>;
}

/** One file a run and project, so that two runs of the suite never write the same one. */
function resultFile(out: string, { id }: SuiteRun, suite: Suite, info: TestInfo): ResultFile {
  const project = info.project.name.replace(/[^\w.-]+/g, '-');
  const path = join(out, `${id.replaceAll('/', '-')}${project === '' ? '' : `-${project}`}.json`);
  const failures = info.retry === 0 ? [] : failuresIn(path, id);
  mkdirSync(out, { recursive: true });
  return {
    failures,
    write(run) {
      const body = run === undefined ? { running: id, runs: [] } : { runs: [run] };
      const head = {
        schema: SHARD_SCHEMA,
        tool: TOOL,
        suite: redactedSuite(suite),
        shard: WHOLE,
        assigned: 'elsewhere',
      } as const;
      return writeWhole(path, shardToJson({ ...head, ...body }));
    },
  };
}

function failuresIn(path: string, id: string): readonly ErrorData[] {
  const { runs } = shardFromJson(readFileSync(path, 'utf8'), path);
  return runs.find((run) => run.id === id)?.failures ?? [];
}
