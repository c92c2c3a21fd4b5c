import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { TENSOR_FORMATS } from '../../src/cli/trace/trace-options';
import { readOperand } from '../../src/cli/diff/read-operand';
import { runCli } from '../../src/cli/run-cli';
import { tensorSaver } from '../../src/cli/trace/save-tensors';
import { ROW_COLUMNS } from '../../src/divergence/rows-csv';
import type { Capture } from '../../src/model/engine';
import { stageOrder } from '../../src/model/stages';
import { encodeAprt } from '../../src/trace/aprt';
import { goldenModelPath } from '../support/golden';
import { generateReport } from '../support/reports';
import { captureOf } from '../support/captures';
import { terminalDouble } from './terminal-double';

const folder = mkdtempSync(join(tmpdir(), 'moescope-diff-'));
const P12 = goldenModelPath('mini-q4_k_m').replace('model.gguf', 'p12.npz');
const LLAMACPP = goldenModelPath('mini-q4_k_m').replace('model.gguf', 'llamacpp-p12.npz');

afterAll(() => {
  rmSync(folder, { recursive: true });
});

async function diff(...args: readonly string[]): Promise<{ status: number; out: string; err: string }> {
  const terminal = terminalDouble();
  const status = await runCli(['diff', ...args], terminal, new AbortController().signal);
  return { status, ...terminal.written };
}

/** NaNs with payloads, quiet and signalling, both signs; infinities; -0; a subnormal; one. */
const BITS = [
  0x7fc12345, 0xffc00001, 0x7f800001, 0xff812345, 0x7f800000, 0xff800000, 0x80000000, 0x00000001, 0x3f800000,
];
const odd = (): Float32Array<ArrayBuffer> => new Float32Array(Uint32Array.from(BITS).buffer);
const oddCaptures: readonly Capture[] = [
  { ...captureOf('attn_norm', 0, [1, 9], odd(), { positions: [3] }), data: odd() },
  { ...captureOf('lm_head', undefined, [3, 3], odd()), data: odd() },
  captureOf('moe_router_indices', 0, [2, 2], [5, 0, 7, 1]),
];

/** Saves captures of engines as `moescope trace` does. */
async function save(
  name: string,
  format: (typeof TENSOR_FORMATS)[number],
  engines: Readonly<Record<string, readonly Capture[]>>,
): Promise<string> {
  const out = join(folder, name);
  const saver = tensorSaver({ folder: out, format });
  for (const [engine, captures] of Object.entries(engines))
    for (const captured of captures) await saver.save(engine, captured);
  await saver.finish({ report: generateReport({ kind: 'clean', nLayer: 1, nTokens: 4 }), weightTypes: {} });
  await saver.close();
  return out;
}

const put = (path: string, bytes: Uint8Array | string): string => {
  const file = join(folder, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, bytes);
  return file;
};

describe('what --save-tensor wrote reads back', () => {
  test.each(TENSOR_FORMATS)('%s: bit for bit%s', async (format) => {
    const out = await save(`bits-${format}`, format, { gpu: oddCaptures, cpu: oddCaptures });
    const { traces, ignored } = await readOperand(out);
    expect(ignored).toEqual([]);
    expect(traces.map((trace) => trace.provenance.arm)).toEqual(['cpu', 'gpu']);
    for (const trace of traces) {
      const saved = [...oddCaptures].sort((x, y) => stageOrder(x.stage) - stageOrder(y.stage));
      expect([...trace.captures.values()].map((captured) => captured.stage)).toEqual(
        saved.map((captured) => captured.stage),
      );
      for (const [i, captured] of [...trace.captures.values()].entries()) {
        const bits = (t: Capture | undefined): number[] => [...new Uint32Array(t?.data.buffer ?? new ArrayBuffer(0))];
        // Text has one NaN only.
        const canonical = (x: number): number => ((x & 0x7fffffff) > 0x7f800000 ? 0x7fc00000 : x);
        const isText = format === 'csv' && captured.stage !== 'moe_router_indices';
        expect(bits(captured)).toEqual(isText ? bits(saved[i]).map(canonical) : bits(saved[i]));
        expect(captured.positions).toEqual(saved[i]?.positions);
        expect(captured.shape).toEqual(saved[i]?.shape);
      }
    }
  });

  test.each(['aprt', 'aprt-zip', 'npz', 'json'] as const)('%s keeps provenance', async (format) => {
    const out = await save(`about-${format}`, format, { 'gpu-isolated': oddCaptures });
    const { traces } = await readOperand(out);
    const { model, run } = generateReport({ kind: 'clean', nLayer: 1, nTokens: 4 });
    expect(traces[0]?.provenance).toMatchObject({
      arm: 'gpu',
      mode: 'isolated',
      modelName: model.name,
      headerSha256: model.headerSha256,
      tokens: run.tokens,
      hparams: model.hparams,
    });
  });

  test('a trace against itself in every pair of formats; NaN on both sides is not finite, not a match', async () => {
    const fine = [
      captureOf('attn_norm', 0, [2, 2], [1, 2, 3, 4]),
      captureOf('lm_head', undefined, [1, 2], [1, 2], { positions: [1] }),
    ];
    const saved = await Promise.all(TENSOR_FORMATS.map((format) => save(`pair-${format}`, format, { gpu: fine })));
    for (const a of saved)
      for (const b of saved) expect(await diff(a, b, '--quiet')).toMatchObject({ status: 0, err: '' });
    const nonFinite = await diff(
      join(folder, 'bits-aprt'),
      join(folder, 'bits-npz'),
      '--engine-a',
      'gpu',
      '--engine-b',
      'cpu',
    );
    expect(nonFinite.status).toBe(1);
    expect(nonFinite.out).toMatch(/^NOT FINITE: first at layer 0, attn_norm, token 3/);
  });
});

describe('moescope diff', () => {
  test('a dump by ggml names against another; what one lacks is missing unless --common', async () => {
    const same = await diff(P12, P12);
    expect(same).toMatchObject({ status: 0, out: expect.stringMatching(/^MATCH: 2 layers, /) });
    const near = await diff(LLAMACPP, P12, '--common', '--json', '-');
    expect(near.status).toBe(0);
    const json: { rows: { stage: string; relL2?: number }[] } = JSON.parse(near.out);
    const head = json.rows.find((row) => row.stage === 'lm_head')?.relL2 ?? 0;
    expect(head).toBeGreaterThan(1e-4);
    expect(head).toBeLessThan(0.05);
    const strict = await diff(LLAMACPP, P12, '--cosine', '1');
    expect(strict).toMatchObject({ status: 1, out: expect.stringMatching(/^DIVERGED: first at layer 0, /) });
  });

  test('a folder of .npy with its index.json', async () => {
    const { decodeNpz } = await import('../../src/trace/npz');
    const { encodeNpy } = await import('../../src/trace/npy');
    const arrays = [...decodeNpz(readFileSync(P12), 'p12')].filter(([name]) => name !== 'tokens');
    for (const [name, array] of arrays) put(`dump/${name}.npy`, encodeNpy(array));
    put('dump/index.json', JSON.stringify({ tokens: [257, 300, 31, 410, 5, 199, 88, 301, 12, 267, 144, 302] }));
    const result = await diff(join(folder, 'dump'), P12);
    expect(result).toMatchObject({ status: 0, out: expect.stringMatching(/^MATCH: 2 layers, .* 12 tokens agree/) });
    expect(result.err).toContain('ffn_moe_weighted');
    expect((await diff(join(folder, 'dump'), P12, '--quiet')).err).toBe('');
  });

  test('one engine folder, and one tensor of it, find their trace.json above', async () => {
    const out = await save('tree', 'aprt', {
      gpu: [captureOf('attn_norm', 0, [2, 2], [1, 2, 3, 4], { positions: [2, 3] })],
    });
    const engine = await readOperand(join(out, 'gpu'));
    expect(engine.traces[0]?.provenance.headerSha256).toBeDefined();
    expect(engine.traces[0]?.captures.get('layer-0/attn_norm')).toMatchObject({ shape: [2, 2], positions: [2, 3] });
    const file = await readOperand(join(out, 'gpu', 'layer-0', 'attn_norm.bin'));
    expect(file.traces[0]?.captures.get('layer-0/attn_norm')).toMatchObject({ shape: [2, 2], positions: [2, 3] });
    cpSync(join(out, 'gpu'), join(folder, 'alone'), { recursive: true });
    const alone = await readOperand(join(folder, 'alone'));
    expect(alone.traces[0]?.provenance).toEqual({ arm: 'alone', mode: 'free' });
    expect(await diff(join(folder, 'alone'), join(out, 'gpu'))).toMatchObject({ status: 0 });
  });

  test('several engines: asks which, listing them', async () => {
    const captures = [captureOf('lm_head', undefined, [1, 2], [1, 2])];
    const out = await save('arms', 'npz', { gpu: captures, 'gpu-isolated': captures, cpu: captures });
    const unsaid = await diff(out, out, '--engine-b', 'cpu');
    expect(unsaid.status).toBe(2);
    expect(unsaid.err).toMatch(/several engines: cpu, gpu-isolated, gpu|several engines: cpu, gpu, gpu-isolated/);
    expect(unsaid.err).toContain('--engine-a');
    const wrong = await diff(out, out, '--engine-a', 'tpu', '--engine-b', 'cpu');
    expect(wrong).toMatchObject({ status: 2, err: expect.stringMatching(/no engine "tpu"/) });
    const both = await diff(out, out, '--engine-a', 'gpu', '--engine-b', 'cpu');
    expect(both).toMatchObject({ status: 0, out: expect.stringContaining('mode both') });
    const one = await diff(out, out, '--engine-a', 'gpu-isolated', '--engine-b', 'cpu');
    expect(one).toMatchObject({ status: 0, out: expect.stringContaining('mode isolated') });
  });

  test('the two modes of an engine are not of two runs', async () => {
    const captures = [captureOf('lm_head', undefined, [1, 2], [1, 2])];
    const [first, second] = [await save('run-1', 'npz', { gpu: captures, cpu: captures }), join(folder, 'run-2')];
    const report = generateReport({ kind: 'clean', nLayer: 1, nTokens: 4 });
    const saver = tensorSaver({ folder: second, format: 'npz' });
    for (const captured of captures) await saver.save('gpu-isolated', captured);
    await saver.finish({ report: { ...report, run: { ...report.run, inject: ['eps@layer=0'] } }, weightTypes: {} });
    cpSync(join(second, 'gpu-isolated.npz'), join(first, 'gpu-isolated.npz'));
    const mixed = await diff(first, first, '--engine-a', 'gpu', '--engine-b', 'cpu');
    expect(mixed).toMatchObject({
      status: 2,
      err: expect.stringMatching(/gpu of one run and gpu-isolated of another/),
    });
  });

  test('rows as CSV and Model Explorer files', async () => {
    const csv = join(folder, 'rows', 'rows.csv');
    const nodes = join(folder, 'rows', 'nodes.json');
    expect((await diff(LLAMACPP, P12, '--common', '--csv', csv, '--model-explorer', nodes)).status).toBe(0);
    const lines = readFileSync(csv, 'utf8').trimEnd().split('\n');
    expect(lines[0]).toBe(ROW_COLUMNS.map((column) => column.name).join(','));
    expect(lines.find((line) => line.includes(',free,1,moe_ffn_out,match,3072,'))).toBeDefined();
    expect(new Set(lines.map((line) => line.split(',').length))).toEqual(new Set([ROW_COLUMNS.length]));
    const data: { moescope: { results: Record<string, { value: number }> } } = JSON.parse(readFileSync(nodes, 'utf8'));
    const graph: { graphs: { nodes: { id: string }[] }[] } = JSON.parse(
      readFileSync(join(folder, 'rows', 'nodes-graph.json'), 'utf8'),
    );
    const ids = new Set(graph.graphs[0]?.nodes.map((node) => node.id));
    expect(Object.keys(data.moescope.results)).toHaveLength(lines.length - 1);
    for (const id of Object.keys(data.moescope.results)) expect(ids).toContain(id);
  });

  test('two APRT files: apr-stage-diff-v1', async () => {
    const a = put('x/some.bin', encodeAprt(3, Float32Array.of(1, 2, 3)));
    const b = put('y/other.bin', encodeAprt(3, Float32Array.of(1, 2, 3.5)));
    const apr = await diff(a, b, '--format', 'apr');
    expect(apr.status).toBe(0);
    expect(JSON.parse(apr.out)).toMatchObject({
      schema: 'apr-stage-diff-v1',
      path_a: a,
      path_b: b,
      layer: 3,
      dim_product: 3,
    });
    expect((await diff(a, b)).out).toMatch(/^cosine 0\.99\d+, largest difference 0\.50 at 2, /);
    expect((await diff(a, b, '--cosine', '0.9999')).status).toBe(1);
    const nan = put('z/nan.bin', encodeAprt(3, Float32Array.of(1, NaN, 3)));
    expect((await diff(nan, b, '--format', 'apr')).status).toBe(1);
  });
});

describe('moescope diff refuses', () => {
  const layer3 = put('r/a.bin', encodeAprt(3, Float32Array.of(1, 2)));
  const layer4 = put('r/b.bin', encodeAprt(4, Float32Array.of(1, 2)));
  const longer = put('r/c.bin', encodeAprt(3, Float32Array.of(1, 2, 3)));
  const text = put('r/readme.txt', 'hello');
  test.each([
    ['a path that is not there', [join(folder, 'none'), P12], /^error source-read: /],
    ['a file of another kind', [text, P12], /^error trace-format: .*readme\.txt/],
    ['a folder without traces', [join(folder, 'r'), P12], /^error trace-format: /],
    ['one operand', [P12], /^error usage: diff takes A B/],
    ['another layer', [layer3, layer4], /^error trace-mismatch: The layer differs: 3 .*, 4 /],
    ['another length', [layer3, longer], /^error trace-mismatch: The element count differs: 2 .*, 3 /],
    ['one APRT file against a trace', [layer3, P12], /^error usage: .*which stage/],
    ['traces in the form of two APRT files', [P12, P12, '--format', 'apr'], /^error usage: --format apr/],
    ['other tokens', [P12, P12.replace('p12', 'p1')], /^error trace-mismatch: .*different tokens/],
    ['two results at one place', [P12, P12, '--json', '-', '--csv', '-'], /^error usage: Two results/],
    ['a cosine that is none', [P12, P12, '--cosine', '2'], /^error usage: --cosine/],
    ['layers beyond the last', [P12, P12, '--layers', '5..9'], /^error plan-range: /],
    ['an unknown stage', [P12, P12, '--stages', 'router'], /^error plan-stage: /],
  ])('%s, status 2', async (_, args, message) => {
    const result = await diff(...args, '--quiet');
    expect(result.err).toMatch(message);
    expect(result).toMatchObject({ status: 2, out: '' });
  });
});
