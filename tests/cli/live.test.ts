import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { ensureBuilt } from '../../scripts/lib/build.mjs';
import { reportFromJson } from '../../src/divergence/report-json';
import { findInstalled } from '../../src/engine/llama-cpp/install-folder';
import { readReport } from '../../src/share/check-report';
import { goldenModelPath, loadGolden } from '../support/golden';
import { runBuiltCli } from './built-cli';

const MINI = goldenModelPath('mini-q4_k_m');
const TOKENS = [...loadGolden('mini-q4_k_m', 'p12').tokens].join(',');
const folder = mkdtempSync(join(tmpdir(), 'moescope-live-cli-'));

vi.setConfig({ testTimeout: 240_000 });

beforeAll(async () => {
  await ensureBuilt(['cli']);
  process.env['MOESCOPE_LLAMA_CPP'] = fileURLToPath(new URL('../../.cache/llama-cpp', import.meta.url));
  const setup = await runBuiltCli('setup', 'llama.cpp');
  expect(setup.status, setup.err).toBe(0);
  // The line that it gives runs as it stands, wherever the package is.
  expect(setup.out).toContain('try: npx --no moescope trace sample: --prompt Hello --candidate llama.cpp\n');
});

afterAll(() => {
  delete process.env['MOESCOPE_LLAMA_CPP'];
  rmSync(folder, { recursive: true });
});

describe('moescope trace --candidate llama.cpp', () => {
  test('agrees with the engine of its own arithmetic, and says what it was', async () => {
    const options = ['--flash-attention', 'off', '--kv', 'f32', '--reference', 'ggml', '--json', '-'];
    const result = await runBuiltCli('trace', MINI, '--tokens', TOKENS, '--candidate', 'llama.cpp', ...options);
    expect(result.err).not.toContain('error');
    const report = reportFromJson(result.out);
    expect(report.verdict.status).toBe('match');
    expect(result.status).toBe(0);
    expect(report.run.arms).toEqual(['llama.cpp:cpu', 'cpu-ggml']);
    expect(report.live).toMatchObject({
      engine: 'llama.cpp:cpu',
      logitRowsChanged: 0,
      logitRows: 12,
      parameterNotes: [],
    });
    expect(report.notes?.join('\n')).toContain('the same bits with and without capturing');
    const worst = Math.max(...report.rows.flatMap((row) => row.relL2 ?? []));
    expect(report.rows.every((row) => row.verdict === 'match')).toBe(true);
    expect(worst).toBeLessThan(1e-5);
    // What a page reads of strangers accepts it.
    expect(readReport(result.out, 'report').live?.engine).toBe('llama.cpp:cpu');
  });

  test('against the exact reference at its own defaults: what fused attention hides is unmeasured, not missing', async () => {
    const result = await runBuiltCli(
      'trace',
      MINI,
      '--tokens',
      TOKENS,
      '--candidate',
      'llama.cpp:cpu',
      '--json',
      join(folder, 'r.json'),
    );
    expect(result.status, result.out).toBe(0);
    expect(result.out).toContain('MATCH');
    expect(result.out).toMatch(/note +llama.cpp .* on CPU/);
    expect(result.out).not.toContain('missing');
    expect(result.out).toMatch(
      /unjudged +attn_scores, attn_softmax, attention: not captured, .*; --flash-attention off captures attention/,
    );
  });

  test('bisect: its library is right, and a dump of other weights is the first wrong one', async () => {
    const { library } = findInstalled('cpu', undefined, process, { env: process.env, from: folder });
    const bad = fileURLToPath(new URL('../golden/judge/mini-q4_k_m-experts-swapped.npz', import.meta.url));
    const row = ['--good', library, '--bad', bad, '--tokens', TOKENS, '--junit', join(folder, 'b.xml')];
    const { status, out, err } = await runBuiltCli('bisect', MINI, ...row);
    expect(status, err).toBe(1);
    expect(out).toMatch(/right +\S+libllama\S+ +MATCH/);
    expect(out).toMatch(/FIRST WRONG: .*experts-swapped.*blk\.1\.ffn_down_exps\.weight/);
    expect(readFileSync(join(folder, 'b.xml'), 'utf8')).toContain('tests="2" failures="1"');
  });

  test('what cannot be is refused with what to do', async () => {
    const cases: readonly (readonly [readonly string[], string])[] = [
      [['--candidate', 'llama.cpp', '--mode', 'isolated'], '--mode free'],
      [['--candidate', 'llama.cpp', '--engines', 'gpu,cpu'], '--engines'],
      [['--candidate', 'ollama'], 'llama.cpp'],
      [['--candidate', 'exact', '--reference', 'gpu'], 'cannot be the reference'],
      [['--kv', 'f32'], 'llama.cpp'],
      [['--candidate', 'llama.cpp', '--lib', join(folder, 'nowhere')], 'no llama library'],
      [['--candidate', 'llama.cpp:cuda'], 'moescope setup llama.cpp:cuda'],
    ];
    for (const [options, said] of cases) {
      const result = await runBuiltCli('trace', MINI, '--tokens', '1', ...options);
      expect(result.status, options.join(' ')).toBe(2);
      expect(result.err, options.join(' ')).toContain(said);
    }
  });
});
