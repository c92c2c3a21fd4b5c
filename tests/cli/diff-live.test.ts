import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test, vi } from 'vitest';
import { runCli } from '../../src/cli/run-cli';
import { tensorSaver } from '../../src/cli/trace/save-tensors';
import type { SaveFormat } from '../../src/cli/trace/trace-options';
import type { Report } from '../../src/divergence/report';
import type { Capture } from '../../src/model/engine';
import type { RunSpec } from '../../src/session/events';
import { goldenModelPath, loadGolden, SAMPLE_PATH } from '../support/golden';
import { BOTH, testSession } from '../support/session';
import { terminalDouble } from './terminal-double';

const folder = mkdtempSync(join(tmpdir(), 'moescope-diff-live-'));
vi.setConfig({ testTimeout: 120_000 });

afterAll(() => {
  rmSync(folder, { recursive: true });
});

/** A live run whose captures are saved in each of these formats, under `folder/<name>-<format>`. */
async function savedRun(
  name: string,
  model: string,
  spec: Partial<RunSpec> & Pick<RunSpec, 'tokens'>,
  formats: readonly SaveFormat[],
): Promise<Report> {
  const session = await testSession(model);
  const savers = formats.map((format) => tensorSaver({ folder: join(folder, `${name}-${format}`), format }));
  const onCapture = async (engine: string, captured: Capture): Promise<void> => {
    for (const saver of savers) await saver.save(engine, captured);
  };
  try {
    const report = await session.run(
      { ...BOTH, ...spec },
      { onEvent: () => undefined, onCapture, ...(spec.mode === 'local,free' ? { onLocalCapture: onCapture } : {}) },
    );
    const weightTypes = Object.fromEntries([...session.model.tensors].map(([tensor, { type }]) => [tensor, type]));
    for (const saver of savers) await saver.finish({ report, weightTypes });
    return report;
  } finally {
    for (const saver of savers) await saver.close();
    await session.dispose();
  }
}

/** What `moescope diff` says, and its JSON as a report's parts. */
async function diff(
  ...args: readonly string[]
): Promise<{ readonly status: number; readonly json: Report; readonly err: string }> {
  const terminal = terminalDouble();
  const status = await runCli(['diff', ...args, '--json', '-'], terminal, new AbortController().signal);
  expect(terminal.written.err.startsWith('error'), terminal.written.err).toBe(false);
  const json: Report = JSON.parse(terminal.written.out);
  return { status, json, err: terminal.written.err };
}

/** As JSON holds it: no undefined, no non-finite numbers. */
function asJson(value: unknown): unknown {
  return JSON.parse(
    JSON.stringify(value, (key, entry: unknown) => {
      if (key === 'layer' && entry === undefined) return null;
      return typeof entry === 'number' && !Number.isFinite(entry) ? String(entry) : entry;
    }),
  );
}

function withoutKeys(value: object, keys: readonly string[]): unknown {
  return Object.fromEntries(Object.entries(value).filter(([key]) => !keys.includes(key)));
}

/** Files of a trace hold neither which kernel made a value nor how far the exact one reaches beyond f32. */
function fromFiles(rows: readonly object[]): readonly unknown[] {
  return rows.map((row) => withoutKeys(row, ['kernel', 'reach']));
}

describe('two saved traces diff to the same report as the live run', () => {
  const tokens = [...loadGolden('mini-q4_k_m', 'p12').tokens];

  test('a clean run: rows, routing, verdict, sentence; from NPZ, JSON and one folder', async () => {
    const live = await savedRun('clean', goldenModelPath('mini-q4_k_m'), { tokens }, ['npz', 'json', 'aprt']);
    expect(live.verdict.status).toBe('match');
    for (const format of ['npz', 'json'] as const) {
      const out = join(folder, `clean-${format}`);
      const { status, json, err } = await diff(out, out, '--engine-a', 'gpu', '--engine-b', 'cpu');
      expect(status).toBe(0);
      expect(json.verdict).toEqual(asJson(live.verdict));
      expect(err).toContain(live.verdict.sentence);
      expect(json.rows).toEqual(asJson(fromFiles(live.rows)));
      expect(json.routing).toEqual(asJson(live.routing));
      expect(json.poison).toEqual(live.poison === undefined ? undefined : asJson(live.poison));
      expect(json.run).toMatchObject({ tokens, layers: [0, 1], mode: 'both', arms: ['gpu', 'cpu'] });
      expect(json.run.stages).toEqual(live.run.stages);
    }
  });

  test('one mode alone: its rows', async () => {
    const out = join(folder, 'clean-npz');
    const live = await diff(out, out, '--engine-a', 'gpu', '--engine-b', 'cpu');
    const free = await diff(join(out, 'gpu.npz'), join(out, 'cpu.npz'));
    const isolated = await diff(join(out, 'gpu-isolated.npz'), join(out, 'cpu.npz'));
    expect([...free.json.rows, ...isolated.json.rows]).toEqual(live.json.rows);
    expect(isolated.json.rows.filter((row) => row.maxRatio !== undefined).length).toBeGreaterThan(40);
  });

  test('an APRT tree has no bounds: free-running rows are the same, isolated ones have no ratio, and that is said', async () => {
    const exact = await diff(
      join(folder, 'clean-npz'),
      join(folder, 'clean-npz'),
      '--engine-a',
      'gpu',
      '--engine-b',
      'cpu',
    );
    const tree = await diff(
      join(folder, 'clean-aprt'),
      join(folder, 'clean-aprt'),
      '--engine-a',
      'gpu',
      '--engine-b',
      'cpu',
    );
    expect(tree.status).toBe(0);
    expect(tree.json.rows).toEqual(
      exact.json.rows.map((row) =>
        withoutKeys(row, ['maxRatio', 'maxRatioIndex', 'maxRatioValues', 'perPositionRatio', 'ratios', 'maxEstimate']),
      ),
    );
    expect(tree.json).toMatchObject({ notes: [expect.stringContaining('no bounds')] });
  });

  test.each([
    ['a clean run', 'mini-q4_k_m', undefined],
    ['a faulty one', 'mini-q4_k_m', 'wrong-expert@layer=1'],
  ] as const)(
    'the exact values of its own inputs, saved beside %s, judge it as it was judged',
    async (what, name, fault) => {
      const inject = fault === undefined ? {} : { inject: [fault] };
      const live = await savedRun(`local ${what}`, goldenModelPath(name), { tokens, mode: 'local,free', ...inject }, [
        'npz',
      ]);
      const out = join(folder, `local ${what}-npz`);
      const { json } = await diff(out, out, '--engine-a', 'gpu', '--engine-b', 'cpu');
      expect(json.verdict).toEqual(asJson(live.verdict));
      expect(json.verdict.first?.mode).toBe(fault === undefined ? undefined : 'local');
      expect(json.run.mode).toBe('local,free');
      const local = live.rows.filter((row) => row.mode === 'local');
      expect(local.length).toBeGreaterThan(40);
      expect(json.rows.filter((row) => row.mode === 'local')).toEqual(asJson(fromFiles(local)));
    },
  );

  test('a faulty run: the same culprit, tensor, type and clue', async () => {
    const inject = ['qtype-blind@layer=2,tensor=ffn_down_exps'];
    const live = await savedRun('faulty', SAMPLE_PATH, { tokens: [1, 2, 3], inject }, ['npz']);
    expect(live.verdict.first).toMatchObject({ layer: 2, stage: 'moe_expert_out' });
    expect(live.verdict.first?.hint).toBeDefined();
    const out = join(folder, 'faulty-npz');
    const { status, json } = await diff(out, out, '--engine-a', 'gpu', '--engine-b', 'cpu');
    expect(status).toBe(1);
    expect(json.verdict).toEqual(asJson(live.verdict));
    expect(json.rows).toEqual(asJson(fromFiles(live.rows)));
    expect(live.poison?.a).toMatchObject({ layer: 2, stage: 'moe_expert_out' });
    expect(json.poison).toEqual(asJson(live.poison));
    expect(json).toMatchObject({ notes: [`fault injected into A on purpose: ${live.run.inject?.[0] ?? ''}`] });
  });
});
