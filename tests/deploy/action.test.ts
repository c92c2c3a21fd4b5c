import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { NoOperationTraceWriter } from '@actions/workflow-parser';
import { parseAction } from '@actions/workflow-parser/actions/action-parser';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { ensureBuilt } from '../../scripts/lib/build.mjs';
import { runBuiltCli } from '../cli/built-cli';
import { goldenModelPath } from '../support/golden';
import { actionInputs, readAction, readRecipes, ROOT, runAction } from './github';

const folder = mkdtempSync(join(tmpdir(), 'moescope-action-'));
const MODEL = {
  model: goldenModelPath('tied-q4_k_m'),
  prompts: 'tokens: 5\ntokens: 40, 7\n',
  mode: 'free',
  stages: 'moe_router,moe_ffn_out',
  adapter: 'software',
  runtime: 'node',
  baseline: 'accepted',
};

vi.setConfig({ testTimeout: 240_000 });

beforeAll(() => ensureBuilt(['page', 'cli']));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

describe('action.yml', () => {
  test("holds to GitHub's own schema", () => {
    const content = readFileSync(join(ROOT, 'action.yml'), 'utf8');
    const check = (text: string): readonly string[] =>
      parseAction({ name: 'action.yml', content: text }, new NoOperationTraceWriter())
        .context.errors.getErrors()
        .map((error) => error.message);
    expect(check(content)).toEqual([]);
    // The schema bites.
    expect(check(content.replace('shell: bash', 'shel: bash'))).not.toEqual([]);
    expect(check(content.replace('using: composite', 'using: bash'))).not.toEqual([]);
  });

  test('hands every input on', () => {
    const { inputs, runs } = readAction();
    const text = JSON.stringify(runs.steps);
    for (const name of Object.keys(inputs)) expect(text).toMatch(new RegExp(`inputs\\.${name}[ )}]`));
  });
});

describe('the action', () => {
  test('runs the sample model by its name', async () => {
    const ran = await runAction(folder, { ...MODEL, model: 'sample:', prompts: 'tokens: 5', baseline: '' });
    expect(ran.status, ran.log).toBe(0);
    expect(ran.summary).toMatch(/\| sample\/tokens-5-[\da-f]{6}\/free \| .*\| pass \| MATCH: 6 layers/);
  });

  test('accepts runs, holds the next to them, and shows what it saw', async () => {
    const green = await runAction(folder, { ...MODEL, 'update-baseline': 'true' });
    expect(green.status, green.log).toBe(0);
    expect(green.outputs).toMatchObject({ status: 'pass', sentence: 'SUITE: 2 runs on 1 adapter pass' });
    expect(green.summary).toContain('**SUITE: 2 runs on 1 adapter pass**');
    expect(green.summary).toMatch(
      /\| model\/tokens-40-7-[\da-f]{6}\/free \| google swiftshader .*\| pass \| MATCH: 2 layers/,
    );
    expect(green.summary).toContain('```mermaid\nxychart-beta\n');
    expect(green.log).toContain('::notice title=MoEscope::SUITE: 2 runs');
    expect(green.uploads).toEqual([{ name: 'moescope', path: 'moescope-results', 'if-no-files-found': 'warn' }]);
    const names = readdirSync(join(folder, 'accepted')).sort();
    expect(names.map((name) => name.replace(/-[\da-f]{6}-free\.json$/, ''))).toEqual([
      'model-tokens-40-7',
      'model-tokens-5',
    ]);
    expect(readdirSync(join(folder, 'moescope-results/reports')).filter((n) => n.endsWith('.svg'))).toHaveLength(2);
  });

  test('fails when a result moves: status, summary, JUnit, annotation', async () => {
    const red = await runAction(folder, {
      ...MODEL,
      inject: 'qtype-blind@layer=1,tensor=ffn_down_exps',
      output: 'red',
    });
    expect(red.status).toBe(1);
    expect(red.outputs).toMatchObject({ status: 'diverged', report: 'red/merged.json', junit: 'red/junit.xml' });
    expect(red.log).toMatch(
      /::error title=MoEscope::SUITE FAILED: 2 of 2 runs \(2 failed\), first model\/tokens-5-.*BASELINE MOVED/,
    );
    expect(red.summary).toContain('| fail | BASELINE MOVED: ');
    expect(readFileSync(join(folder, 'red/junit.xml'), 'utf8')).toContain('tests="2" failures="2"');
    expect(red.uploads).toHaveLength(1);
  });

  test('fails without the adapter asked for', async () => {
    const none = await runAction(folder, { ...MODEL, adapter: 'hardware', output: 'none', retries: '0' });
    if (none.status === 0) return expect(none.summary).not.toContain('(software)');
    expect(none.status).toBe(3);
    expect(none.outputs['status']).toBe('no-adapter');
    expect(none.log).toMatch(
      /::error title=MoEscope::No hardware adapter\. SUITE FAILED: 2 of 2 runs \(2 with an error\)/,
    );
    expect(none.summary).toContain('| error | ERROR gpu-');
  });

  test('merges what shards left, and fails for one that is not there', async () => {
    const merged = await runAction(folder, { merge: 'moescope-results', output: 'merged' });
    expect(merged.status, merged.log).toBe(0);
    expect(merged.outputs).toMatchObject({ status: 'pass', report: 'merged/merged.json' });
    const nothing = await runAction(folder, { merge: 'nowhere', output: 'nothing' });
    expect(nothing.status).not.toBe(0);
    expect(nothing.log).toContain('nowhere is not there to be merged');
    expect(existsSync(join(folder, 'nothing/merged.json'))).toBe(false);
  });

  test('fails when it is told nothing to run, or something misspelt, and says so wherever it says anything', async () => {
    const empty = await runAction(folder, { output: 'empty', adapter: 'software' });
    expect(empty.status).toBe(2);
    expect(empty.outputs['status']).toBe('error');
    for (const text of [empty.outputs['sentence'], empty.log, empty.summary]) {
      expect(text).toContain('Give the action a model, a suite, or results to merge');
    }
    expect(empty.log).toContain('::error title=MoEscope::There is nothing to run.');
    const wrong = async (more: Readonly<Record<string, string>>): Promise<string> => {
      const { status, outputs } = await runAction(folder, { ...MODEL, ...more, output: 'wrong' });
      expect([status, outputs['status']]).toEqual([2, 'error']);
      return outputs['sentence'] ?? '';
    };
    expect(await wrong({ prompts: 'tokens: 72, -1, abc' })).toContain('begins as token ids do, and is none');
    expect(await wrong({ chat: 'yes', prompts: 'Hello' })).toContain('The input chat is "yes"');
    expect(await wrong({ 'update-baseline': 'ture' })).toContain('The input update-baseline is "ture"');
    expect(await wrong({ package: 'moescope@0.1.0' }).catch(() => 'refused')).not.toContain('SUITE');
  });

  test('a step that fails early publishes nothing of an earlier one', async () => {
    expect(existsSync(join(folder, 'moescope-results/merged.json'))).toBe(true);
    const late = await runAction(folder, { ...MODEL, suite: 'no-such-suite.json' });
    expect(late.status).toBe(2);
    expect(late.outputs).toMatchObject({ status: 'error', report: '', junit: '' });
    expect(late.log).not.toContain('runs on 1 adapter pass');
    const left = readdirSync(join(folder, 'moescope-results'), { recursive: true, encoding: 'utf8' });
    expect(left.filter((name) => /\.(?:json|xml|md|svg)$/.test(name))).toEqual([]);
  });

  test('a signed address and headers reach the server, and no file that is kept', async () => {
    const seen: (string | undefined)[] = [];
    const server = createServer(({ headers }, response) => {
      seen.push(headers.authorization);
      response.writeHead(404).end();
    });
    const port = await new Promise<number>((ready) => {
      server.listen(0, '127.0.0.1', () => {
        const address = server.address();
        ready(typeof address === 'object' && address !== null ? address.port : 0);
      });
    });
    const { status, log, summary } = await runAction(folder, {
      ...MODEL,
      model: `http://127.0.0.1:${port}/tiny.gguf?sig=SECRET`,
      headers: 'Authorization: Bearer SECRET\n',
      baseline: '',
      output: 'signed',
      retries: '0',
    });
    server.close();
    expect(status).toBe(2);
    expect(new Set(seen)).toEqual(new Set(['Bearer SECRET']));
    const files = readdirSync(join(folder, 'signed'), { withFileTypes: true }).filter((entry) => entry.isFile());
    expect(files.length).toBeGreaterThan(0);
    const kept = files.map(({ name }) => readFileSync(join(folder, 'signed', name), 'utf8'));
    for (const text of [...kept, log, summary]) expect(text).not.toContain('SECRET');
  });

  test('a model of another script has a name of its own', async () => {
    copyFileSync(MODEL.model, join(folder, '模型.gguf'));
    const { status, summary, log } = await runAction(folder, {
      ...MODEL,
      model: '模型.gguf',
      baseline: '',
      output: 'script',
    });
    expect(status, log).toBe(0);
    expect(summary).toMatch(/\| model-[\da-f]{6}\/tokens-5-/);
  });
});

/** An empty folder, as a job's checkout would be, with these files. */
function checkout(files: Readonly<Record<string, string>>): string {
  const work = mkdtempSync(join(folder, 'checkout-'));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(join(work, path, '..'), { recursive: true });
    writeFileSync(join(work, path), text);
  }
  return work;
}

/** What the jobs of a workflow of docs/ci.md give the action. */
function recipe(name: string): ReadonlyMap<string, Readonly<Record<string, string>>> {
  const found = readRecipes().find((workflow) => workflow.name === name);
  if (found === undefined) throw new Error(`docs/ci.md has no workflow ${name}`);
  return actionInputs(found);
}

describe('the workflows of docs/ci.md, word by word', () => {
  test('a kernel on SwiftShader: accepted once, then held', async () => {
    const given = recipe('numerics').get('swiftshader') ?? {};
    const work = checkout({ 'models/.keep': '' });
    const sizes = ['--shape', 'tiny', '--vocab', '9800', '--layers', '1'];
    expect((await runBuiltCli('make-model', join(work, given['model'] ?? ''), ...sizes, '--quiet')).status).toBe(0);
    expect((await runAction(work, given)).outputs).toMatchObject({ status: 'error', report: '' });
    const accepted = await runAction(work, { ...given, 'update-baseline': 'true' });
    expect(accepted.outputs, accepted.log).toMatchObject({ status: 'pass' });
    expect(readdirSync(join(work, 'tests/accepted'))).toHaveLength(2);
    expect((await runAction(work, given)).outputs).toMatchObject({
      status: 'pass',
      sentence: 'SUITE: 2 runs on 1 adapter pass',
    });
  });

  test('three shards, the machine of one dies: the merge shows what is lost', async () => {
    const jobs = recipe('numerics-suite');
    const suite = {
      schema: 'moescope-suite/1',
      models: [{ id: 'tied', file: goldenModelPath('tied-q4_k_m') }],
      prompts: [1, 2, 3, 4].map((token) => ({ id: `t${token}`, tokens: [token] })),
      modes: ['free'],
      stages: 'moe_router',
    };
    const merging = checkout({});
    const statuses: string[] = [];
    for (const i of [1, 2, 3]) {
      // No GPU is here, and nothing is accepted yet: all else is as it stands.
      const { baseline, ...shard } = jobs.get('shard') ?? {};
      expect(baseline).toBe('tests/accepted-gpu');
      const given = Object.entries(shard).map(([name, value]) => [
        name,
        value.replaceAll('${{ matrix.shard }}', String(i)),
      ]);
      const inputs: Record<string, string> = { ...Object.fromEntries(given), adapter: 'software' };
      const work = checkout({ [inputs['suite'] ?? '']: JSON.stringify(suite) });
      const { outputs, uploads } = await runAction(work, inputs, i === 1 ? '[1/2]' : undefined);
      statuses.push(outputs['status'] ?? '');
      // What the artefact action would have carried over; a job whose machine died has uploaded what was there at most.
      const [artifact] = uploads;
      cpSync(join(work, artifact?.['path'] ?? ''), join(merging, 'shards', artifact?.['name'] ?? ''), {
        recursive: true,
      });
    }
    expect(statuses).toEqual(['', 'pass', 'pass']);
    expect(readdirSync(join(merging, 'shards'))).toEqual([1, 2, 3].map((i) => `moescope-shard-${i}`));
    const merged = await runAction(merging, jobs.get('merge') ?? {});
    expect(merged.outputs, merged.log).toMatchObject({ status: 'diverged' });
    expect(merged.outputs['sentence']).toMatch(
      /^SUITE FAILED: 1 of 4 runs \(1 lost\), first tied\/t\d\/free: LOST: shard 1\/3/,
    );
    expect(merged.summary).toContain('| lost |');
  });
});
