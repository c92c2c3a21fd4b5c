import { spawn } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { ensureBuilt } from '../../scripts/lib/build.mjs';
import { findChromium } from '../../scripts/lib/chromium.mjs';
import { launchArguments } from '../../src/cli/browser/browser-adapter';
import { reportFromJson } from '../../src/divergence/report-json';
import { baselineFromJson } from '../../src/regression/baseline-json';
import { mergeShards } from '../../src/regression/merge';
import { shardFromJson } from '../../src/regression/shard-result';
import { readSharedFile } from '../../src/share/shared-file';
import { runBuiltCli } from '../cli/built-cli';
import { goldenModelPath } from '../support/golden';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const project = mkdtempSync(join(tmpdir(), 'moescope-consumer-'));
const chromePath = findChromium() ?? '';

vi.setConfig({ testTimeout: 300_000 });

/** A project of somebody else: the package as npm would put it, and a few tests. */
beforeAll(async () => {
  await ensureBuilt();
  cpSync(fileURLToPath(new URL('./consumer', import.meta.url)), project, { recursive: true });
  writeFileSync(join(project, 'package.json'), '{ "type": "module", "private": true }\n');
  installIn(project);
});

function installIn(folder: string): void {
  mkdirSync(join(folder, 'node_modules/@playwright'), { recursive: true });
  symlinkSync(ROOT, join(folder, 'node_modules/moescope'));
  for (const name of ['@playwright/test', '@types']) {
    symlinkSync(join(ROOT, 'node_modules', name), join(folder, 'node_modules', name));
  }
}

afterAll(() => {
  rmSync(project, { recursive: true });
});

interface PlaywrightReport {
  readonly stats: Readonly<Record<'expected' | 'unexpected' | 'skipped' | 'flaky', number>>;
  readonly suites: readonly Suite[];
}
interface Suite {
  readonly specs: readonly {
    readonly title: string;
    readonly tests: readonly { readonly results: readonly TestResult[] }[];
  }[];
  readonly suites?: readonly Suite[];
}
interface TestResult {
  readonly status: string;
  readonly errors: readonly { readonly message?: string }[];
  readonly attachments: readonly { readonly name: string; readonly path?: string }[];
}

/** Runs a program of the project's node_modules in it. */
async function run(
  program: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
  cwd: string = project,
): Promise<string> {
  const clean = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(VITEST|NODE_ENV|CI)/.test(name)));
  const child = spawn(process.execPath, [join(ROOT, 'node_modules', program), ...args], {
    cwd,
    env: { ...clean, MODEL: goldenModelPath('tied-q4_k_m'), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (part: string) => {
      text += part;
    });
  }
  await new Promise((done) => child.on('close', done));
  return text;
}

async function playwright(args: readonly string[], env: NodeJS.ProcessEnv): Promise<PlaywrightReport> {
  const file = join(project, 'results.json');
  const args2 = ['test', '--reporter=json', ...args];
  const text = await run('@playwright/test/cli.js', args2, { ...env, PLAYWRIGHT_JSON_OUTPUT_FILE: file });
  if (!existsSync(file)) throw new Error(text);
  return JSON.parse(readFileSync(file, 'utf8')) as PlaywrightReport;
}

function results(report: PlaywrightReport): ReadonlyMap<string, TestResult> {
  const all = (suite: Suite): readonly Suite[] => [suite, ...(suite.suites ?? []).flatMap(all)];
  const specs = report.suites.flatMap(all).flatMap((suite) => suite.specs);
  return new Map(specs.flatMap(({ title, tests }) => tests.map(({ results: [r] }) => [title, r!] as const)));
}

/** An attachment's file, which lies below `test-results/`. */
const bytes = (path = ''): Uint8Array<ArrayBuffer> => Uint8Array.from(readFileSync(path));

test('the published types hold in a project of its own', async () => {
  expect(await run('typescript/bin/tsc', ['-p', '.'])).toBe('');
});

test('a remote browser accepts a run; here the same bits are found, and what is wrong or missing fails with its report', async () => {
  const [args = []] = launchArguments('software');
  const server = await chromium.launchServer({ executablePath: chromePath, args: [...args], host: '127.0.0.1' });
  const remote = await playwright(['trace', '--update-snapshots=all', '-g', 'that is right'], {
    WS_ENDPOINT: server.wsEndpoint(),
  }).finally(() => server.close());
  expect(remote.stats).toMatchObject({ expected: 1, unexpected: 0 });
  expect(baselineFromJson(readFileSync(join(project, 'accepted/run.json'), 'utf8')).adapter?.isSoftware).toBe(true);

  const local = await playwright(['trace'], { CHROME_PATH: chromePath });
  expect(local.stats).toMatchObject({ expected: 1, unexpected: 3, skipped: 0, flaky: 0 });
  const found = results(local);
  const errors = (title: string): string =>
    found
      .get(title)
      ?.errors.map((e) => e.message)
      .join('\n') ?? '';
  expect(found.get('a kernel that is right')).toMatchObject({ status: 'passed', attachments: [] });
  expect(errors('a kernel that is wrong')).toMatch(/toMatchReference: NOT FINITE: first at layer 1, moe_ffn_out/);
  expect(errors('a kernel that is wrong')).toMatch(/toMatchBaseline: BASELINE MOVED: .*same adapter, bit for bit/);
  expect(errors('a kernel that is wrong')).toMatch(/There was no baseline .*new\.json\. This run is written there/);
  expect(existsSync(join(project, 'accepted/new.json'))).toBe(true);
  expect(errors('fails without one')).toMatch(
    /gpu-adapter: The test demands a hardware adapter; the browser has google/,
  );
  expect(errors('fails on another')).toMatch(/The test demands an adapter of vendor nvidia; the browser has google/);

  const attachments = found.get('a kernel that is wrong')?.attachments ?? [];
  const [json, png] = ['json', 'png'].map((kind) => attachments.find((a) => a.name.endsWith(`.moescope.${kind}`)));
  const report = reportFromJson(Buffer.from(bytes(json?.path)).toString('utf8'));
  expect(report.verdict.first).toMatchObject({ layer: 1, stage: 'moe_ffn_out' });
  const shared = readSharedFile(bytes(png?.path), 'png', 'attached.png');
  expect(shared.report.verdict.sentence).toBe(report.verdict.sentence);
});

test('a missing baseline fails every try, is written by the last, and what is no model or report is told', async () => {
  const again = await playwright(['retry.spec.ts', '--retries=2'], { CHROME_PATH: chromePath });
  expect(again.stats).toMatchObject({ expected: 0, unexpected: 4, flaky: 0 });
  expect(existsSync(join(project, 'accepted/missing.json'))).toBe(true);
  const all = (suite: Suite): readonly Suite[] => [suite, ...(suite.suites ?? []).flatMap(all)];
  const tries = new Map(
    again.suites
      .flatMap(all)
      .flatMap(({ specs }) => specs)
      .map(({ title, tests }) => [title, tests[0]?.results.flatMap((r) => r.errors.map((e) => e.message ?? '')) ?? []]),
  );
  const missing = tries.get('a baseline that is missing') ?? [];
  expect(missing).toHaveLength(3);
  expect(missing.map((text) => text.includes('This run is written there'))).toEqual([false, false, true]);
  expect(tries.get('a file that is not there')?.[0]).toMatch(/source-read: .*no such file/);
  expect(tries.get('a file that is no model')?.[0]).toMatch(/gguf-not-gguf/);
  expect(tries.get('what is no report')?.[0]).toContain('what was given is no report');
});

test("Playwright's shards deal a suite out; merged, what no shard ran is lost", async () => {
  const suite = {
    schema: 'moescope-suite/1',
    models: [{ id: 'tied', file: goldenModelPath('tied-q4_k_m') }],
    prompts: [
      { id: 'one', tokens: [5] },
      { id: 'two', tokens: [6] },
    ],
    modes: ['free'],
    stages: 'moe_router,moe_ffn_out',
  };
  writeFileSync(join(project, 'suite.json'), JSON.stringify(suite));
  // By the path of the file that calls suiteTests, and by its folder; without fullyParallel.
  for (const path of ['suite.spec.ts', '.']) {
    const listed = await run('@playwright/test/cli.js', ['test', path, '--list', '-g', 'tied/'], {
      CHROME_PATH: chromePath,
    });
    expect(listed).toContain('suite.spec.ts:3:1 › suite.json › tied/one/free');
    expect(listed).toContain('Total: 2 tests in 1 file');
  }
  const shard = await playwright(['suite.spec.ts', '--shard=1/2'], { CHROME_PATH: chromePath });
  expect(shard.stats).toMatchObject({ expected: 1, unexpected: 0, skipped: 0 });
  const files = readdirSync(join(project, 'results'));
  expect(files).toEqual(['tied-one-free-software.json']);
  const merged = mergeShards(
    files.map((file) => ({ file, result: shardFromJson(readFileSync(join(project, 'results', file), 'utf8'), file) })),
  );
  expect(merged.runs.map((r) => [r.id, r.status])).toEqual([
    ['tied/one/free', 'pass'],
    ['tied/two/free', 'lost'],
  ]);
});

test('the project of docs/ci.md, word by word, in an empty folder', async () => {
  const empty = mkdtempSync(join(tmpdir(), 'moescope-recipe-'));
  try {
    const [, kit = ''] = readFileSync(join(ROOT, 'docs/ci.md'), 'utf8').split('\n## Playwright\n');
    const [config = '', spec = ''] = [...kit.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, text = '']) => text);
    writeFileSync(join(empty, 'package.json'), '{ "type": "module", "private": true }\n');
    writeFileSync(join(empty, 'playwright.config.ts'), config);
    writeFileSync(join(empty, 'router.spec.ts'), spec);
    installIn(empty);
    mkdirSync(join(empty, 'models'));
    const made = ['make-model', join(empty, 'models/tiny.gguf'), '--shape', 'tiny', '--layers', '1', '--quiet'];
    expect((await runBuiltCli(...made)).status).toBe(0);
    // In place of what `npx playwright install` would download: this machine's Chromium, where Playwright looks.
    const env = { PLAYWRIGHT_BROWSERS_PATH: join(empty, 'browsers') };
    const ask = `import('playwright-core').then(({ chromium }) => chromium.launch()).catch((e) => console.log(e.message))`;
    const place = /Executable doesn't exist at (\S+)/.exec(await runNode(['-e', ask], env))?.[1] ?? '';
    expect(place).toContain(empty);
    mkdirSync(join(place, '..'), { recursive: true });
    symlinkSync(chromePath, place);
    const go = (...args: readonly string[]): Promise<string> =>
      run(
        '@playwright/test/cli.js',
        ['test', '--project', 'swiftshader', '--reporter=line', '--timeout=120000', ...args],
        env,
        empty,
      );
    expect(await go('--update-snapshots=all')).toMatch(/1 passed/);
    expect(existsSync(join(empty, 'accepted/hello.json'))).toBe(true);
    expect(await go()).toMatch(/1 passed/);
  } finally {
    rmSync(empty, { recursive: true });
  }
});

async function runNode(args: readonly string[], env: NodeJS.ProcessEnv): Promise<string> {
  const child = spawn(process.execPath, args, {
    cwd: ROOT,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (part: string) => {
    text += part;
  });
  await new Promise((done) => child.on('close', done));
  return text;
}
