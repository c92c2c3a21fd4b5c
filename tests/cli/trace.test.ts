// First: it replaces what others import.
import { runCliHere } from './cli-here';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { ensureBuilt } from '../../scripts/lib/build.mjs';
import { startStaticServer } from '../../src/cli/serve/static-server';
import { reportFromJson } from '../../src/divergence/report-json';
import { rowsToCsv } from '../../src/divergence/rows-csv';
import { partsOf, STAGES } from '../../src/model/stages';
import { ACTIVE_STAGES, LAYER_STAGES } from '../support/stages';
import { readTraces } from '../../src/trace/read-traces';
import { goldenModelPath, loadGolden, relativeRms, SAMPLE_PATH } from '../support/golden';
import { makeModel } from '../support/gguf-models';
import { runBuiltCli, startCli } from './built-cli';

const MINI = goldenModelPath('mini-q4_k_m');
const folder = mkdtempSync(join(tmpdir(), 'moescope-cli-'));

/** Whole processes on a software GPU: seconds each, more on a busy machine. */
vi.setConfig({ testTimeout: 240_000 });

beforeAll(async () => {
  await ensureBuilt(['cli']);
});

afterAll(() => {
  rmSync(folder, { recursive: true });
});

describe('moescope trace', () => {
  const golden = loadGolden('mini-q4_k_m', 'p12');
  const tokens = [...golden.tokens].join(',');

  test('both engines on a golden model: match, valid report on standard output and nothing else', async () => {
    const csv = join(folder, 'report', 'rows.csv');
    const nodes = join(folder, 'report', 'nodes.json');
    const files = ['--json', '-', '--csv', csv, '--model-explorer', nodes];
    const result = await runBuiltCli('trace', MINI, '--tokens', tokens, ...files, '--runtime', 'node');
    expect(result.err).toContain('SOFTWARE adapter');
    expect(result.status).toBe(0);
    const report = reportFromJson(result.out);
    expect(report.verdict.status).toBe('match');
    expect(result.err).toContain(report.verdict.sentence);
    expect(report.runtime).toBe('node');
    expect(report.adapter?.isSoftware).toBe(true);
    expect(report.tool.version).toMatch(/^\d+\.\d+\.\d+(?:-rc\.\d+)?$/);
    expect(report.run).toMatchObject({ tokens: [...golden.tokens], arms: ['gpu', 'cpu'], mode: 'local,free' });
    const expected =
      2 * (report.model.hparams.nLayer * LAYER_STAGES.length + ACTIVE_STAGES.length - LAYER_STAGES.length);
    expect(report.rows).toHaveLength(expected);
    expect(new Set(report.rows.map((row) => row.verdict))).toEqual(new Set(['match']));
    expect(readFileSync(csv, 'utf8')).toBe(rowsToCsv(report.rows));
    expect(readdirSync(join(folder, 'report')).sort()).toEqual(['nodes-graph.json', 'nodes.json', 'rows.csv']);
  });

  test('runs a prompt beyond context_length as llama.cpp does, and notes it', async () => {
    const model = join(folder, 'short-context.gguf');
    writeFileSync(model, makeModel({ nCtxTrain: 2 }));
    const one = ['--arms', 'cpu', '--layers', '0', '--stages', 'moe_router'];
    const run = (tokens: string) => runCliHere('trace', model, ...one, '--tokens', tokens);
    const note = 'The prompt has 3 tokens; the model was made for 2 (context_length).';
    expect((await run('1,2,3')).out).toContain(note);
    const { status, out } = await run('1,2');
    expect(status).toBe(0);
    expect(out).not.toContain('context_length');
  });

  test('with a fault on purpose ends with status 1 and the sentence that names it', async () => {
    const inject = ['--inject', 'wrong-expert@layer=1,tensor=ffn_up_exps', '--inject', 'no-causal-mask@layer=0'];
    const result = await runCliHere('trace', MINI, '--tokens', '257', ...inject, '--quiet', '--runtime', 'node');
    expect(result.status).toBe(1);
    expect(result.out).toMatch(/^DIVERGED: first at layer 1, moe_expert_up, token 0, expert \d/);
    expect(result.out).toContain('injected fault not visible: no-causal-mask@layer=0 (a prompt of one token');
    expect(result.out).toMatch(/\n {2}injected +wrong-expert@layer=1,tensor=ffn_up_exps\n/);
    const bad = await runCliHere('trace', MINI, '--inject', 'bug@layer=0', '--quiet');
    expect(bad.status).toBe(2);
    expect(bad.err).toContain('kinds: qtype-blind, wrong-expert');
  });

  test('a reader that leaves early takes neither the verdict nor the files with it', async () => {
    const json = join(folder, 'unread.json');
    const run = startCli(['trace', MINI, '--tokens', '257', '--inject', 'nan@layer=0', '--json', json, '--quiet']);
    run.stopReading();
    expect(await run.finished).toMatchObject({ status: 1, err: '' });
    expect(reportFromJson(readFileSync(json, 'utf8')).verdict.status).toBe('not-finite');
    const talk = startCli(['generate', MINI, '--tokens', '100000', '--engine', 'cpu', '--quiet']);
    talk.stopReading();
    expect(await talk.finished).toMatchObject({ status: 0, err: '' });
  });

  test('saves the tree of design: folders, stage files, APRT bytes', async () => {
    const out = join(folder, 'tree');
    const result = await runCliHere(
      'trace',
      MINI,
      '--tokens',
      tokens,
      '--mode',
      'both',
      '--save-tensor',
      out,
      '--quiet',
      '--runtime',
      'node',
    );
    expect(result.status).toBe(0);
    expect(readdirSync(out).sort()).toEqual(['cpu', 'gpu', 'gpu-isolated', 'trace.json']);
    // The projections lie side by side in one file.
    const alone = LAYER_STAGES.filter((id) => !partsOf('qkv_matmul').includes(id));
    const layerFiles = ['qkv_matmul.bin', ...alone.map((id) => `${id}.bin`)].sort();
    for (const engine of ['cpu', 'gpu', 'gpu-isolated']) {
      expect(readdirSync(join(out, engine)).sort()).toEqual(['final_norm.bin', 'layer-0', 'layer-1', 'lm_head.bin']);
      expect(readdirSync(join(out, engine, 'layer-0')).sort()).toEqual(['embedding.bin', ...layerFiles].sort());
      expect(readdirSync(join(out, engine, 'layer-1')).sort()).toEqual(layerFiles);
    }
    expectAprt(join(out, 'cpu', 'layer-1', 'moe_ffn_out.bin'), 1, golden.stage('moe_ffn_out', 1)?.data ?? []);
    const parts = partsOf('qkv_matmul').flatMap((id) => golden.stage(id, 1) ?? []);
    const projected = golden.positions.flatMap((row) =>
      parts.flatMap(({ shape: [, w = 0], data }) => [...data.subarray(row * w, (row + 1) * w)]),
    );
    expect(parts).toHaveLength(3);
    expectAprt(join(out, 'cpu', 'layer-1', 'qkv_matmul.bin'), 1, projected);
    expectAprt(join(out, 'gpu', 'layer-0', 'embedding.bin'), 0, golden.stage('embedding', undefined)?.data ?? []);
    expectAprt(join(out, 'gpu', 'lm_head.bin'), 0xffffffff, golden.stage('lm_head', undefined)?.data ?? []);
    expectAprt(
      join(out, 'cpu', 'layer-0', 'moe_router_indices.bin'),
      0,
      golden.stage('moe_router_indices', 0)?.data ?? [],
    );
  });

  test('saves NumPy archives, one an engine, that read back with positions and provenance', async () => {
    const out = join(folder, 'npz');
    const chosen = ['--stages', 'moe_router,lm_head', '--layers', '1..9', '--positions', 'last', '--mode', 'free'];
    const save = ['--save-tensor', out, '--format', 'npz', '--runtime', 'node', '--quiet'];
    const result = await runCliHere('trace', MINI, '--tokens', tokens, ...chosen, ...save);
    expect(result.status).toBe(0);
    expect(readdirSync(out).sort()).toEqual(['cpu.npz', 'gpu.npz']);
    const { traces, ignored } = readTraces(readFileSync(join(out, 'gpu.npz')), 'gpu.npz');
    expect(ignored).toEqual([]);
    expect(traces).toHaveLength(1);
    expect(traces[0]?.provenance).toMatchObject({ arm: 'gpu', mode: 'free', tokens: [...golden.tokens] });
    expect([...(traces[0]?.captures.keys() ?? [])]).toEqual(['layer-1/moe_router', 'lm_head']);
    expect(traces[0]?.captures.get('lm_head')?.positions).toEqual([11]);
  });

  test('runs text through the sample model and tells people what it did', async () => {
    const result = await runBuiltCli('trace', SAMPLE_PATH, '--prompt', 'What is 2+2?', '--chat', '--runtime', 'node');
    expect(result.status).toBe(0);
    expect(result.out).toMatch(/^MATCH: /);
    expect(result.out).toContain('Tiny MoE 6x16');
    expect(result.out).toContain('SOFTWARE adapter');
    expect(result.out).toMatch(/next\s+"2" /);
    expect(result.err).toMatch(/Layers {5}\[/);
  });

  test('one engine alone captures and passes', async () => {
    const file = join(folder, 'deep', 'report.json');
    const result = await runBuiltCli('trace', MINI, '--tokens', '1,2', '--arms', 'cpu', '--json', file, '--quiet');
    expect(result).toMatchObject({ status: 0, err: '' });
    expect(reportFromJson(readFileSync(file, 'utf8')).run.arms).toEqual(['cpu']);
  });

  test('reads a model over HTTP ranges', async () => {
    const models = fileURLToPath(new URL('../golden/', import.meta.url)).replace(/\/$/, '');
    const server = await startStaticServer({ folder: models, host: 'localhost', port: 0 });
    const url = `${server.url}mini-q4_k_m/model.gguf`;
    const result = await runBuiltCli('trace', url, '--tokens', '1,2', '--arms', 'cpu', '--quiet');
    await server.close();
    expect(result).toMatchObject({ status: 0, err: '' });
  });

  test('stops when interrupted, status 130', async () => {
    const long = Array.from({ length: 400 }, (_, i) => i % 500).join(',');
    const running = startCli(['trace', MINI, '--tokens', long, '--arms', 'cpu']);
    await running.until('Layers');
    running.interrupt();
    const result = await running.finished;
    expect(result.status).toBe(130);
    expect(result.err).toContain('error run-cancelled');
  });
});

describe('moescope trace refuses', () => {
  test.each([
    ['a file that is not there', [join(folder, 'none.gguf')], 2, /^error source-read: .*none\.gguf/],
    ['a text file', [fileURLToPath(new URL('../../README.md', import.meta.url))], 2, /^error gguf-not-gguf: /],
    ['a folder', [folder], 2, /^error source-read: /],
    [
      'a stage that does not exist, naming those that do',
      [MINI, '--stages', 'router'],
      2,
      /^error plan-stage: .*router/,
    ],
    ['layers beyond the model', [MINI, '--layers', '7..9', '--arms', 'cpu'], 2, /^error plan-range: /],
    ['a token outside the vocabulary', [MINI, '--tokens', '512', '--arms', 'cpu'], 2, /^error prompt-token: /],
    ['two prompts', [MINI, '--tokens', '1', '--prompt', 'x'], 2, /^error usage: .*exclude each other/],
    [
      'a report file that cannot be written, before the run',
      [MINI, '--json', join(MINI, 'x')],
      2,
      /^error usage: .*written/,
    ],
    ['a tensor folder that cannot be made', [MINI, '--save-tensor', join(MINI, 'x')], 2, /^error usage: .*written/],
    [
      'a hardware adapter where there is none',
      [MINI, '--adapter', 'hardware', '--runtime', 'node', '--tokens', '1'],
      3,
      /^error gpu-/m,
    ],
  ])('%s', async (_, args, status, message) => {
    const result = await runCliHere('trace', ...args, '--quiet');
    expect(result.err).toMatch(message);
    expect(result.status).toBe(status);
    expect(result.out).toBe('');
    expect(result.err).not.toMatch(/\n\s+at /);
  });

  test('an unknown stage with every valid name', async () => {
    const { err } = await runCliHere('trace', MINI, '--stages', 'router');
    for (const { id } of STAGES) expect(err).toContain(id);
  });

  test('a truncated model by name and place', async () => {
    const file = join(folder, 'cut.gguf');
    writeFileSync(file, readFileSync(MINI).subarray(0, 600_000));
    const result = await runBuiltCli('trace', file, '--tokens', '1');
    expect(result.status).toBe(2);
    expect(result.err).toMatch(/^error gguf-truncated: /m);
  });
});

describe('moescope inspect', () => {
  test('shows the card from the header', async () => {
    const result = await runBuiltCli('inspect', SAMPLE_PATH);
    expect(result).toMatchObject({ status: 0, err: '' });
    expect(result.out).toContain('16, 4 a token, nFfExp 256');
    expect(result.out).toMatch(/Q6_K +5 /);
  });

  test('gives it as JSON', async () => {
    const result = await runBuiltCli('inspect', goldenModelPath('tied-q4_k_m'), '--json', '-');
    const card: unknown = JSON.parse(result.out);
    expect(card).toMatchObject({ arch: 'qwen3moe', hparams: { tiedEmbeddings: true, nExpert: 10, nExpertUsed: 3 } });
  });
});

/** The file is APRT with this layer, and holds these values to f32 accuracy. */
function expectAprt(path: string, layer: number, values: ArrayLike<number>): void {
  const bytes = readFileSync(path);
  expect(bytes.subarray(0, 4).toString('latin1')).toBe('APRT');
  expect(bytes.readUInt32LE(4)).toBe(layer);
  expect(bytes.readUInt32LE(8)).toBe(values.length);
  expect(bytes).toHaveLength(12 + 4 * values.length);
  const saved = new Float32Array(bytes.buffer.slice(bytes.byteOffset + 12, bytes.byteOffset + bytes.length));
  expect(relativeRms(saved, values)).toBeLessThan(1e-5);
}
