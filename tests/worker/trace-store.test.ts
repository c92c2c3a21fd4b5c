import { describe, expect, it } from 'vitest';
import { reportToJson } from '../../src/divergence/report-json';
import { packView } from '../../src/share/shared-view';
import { slimView } from '../../src/share/slim-report';
import { FIRST_VIEW } from '../../src/share/view-state';
import { createTrace, type Provenance, type Trace } from '../../src/trace/trace';
import { encodeNpy } from '../../src/trace/npy';
import { encodeTraceJson } from '../../src/trace/trace-json';
import { tracesToFiles } from '../../src/trace/trace-files';
import { writeZip } from '../../src/trace/zip';
import { TraceStore } from '../../src/worker/trace-store';
import { codeOf } from '../support/errors';
import { generateReport } from '../support/reports';
import { captureOf } from '../support/captures';

const FREE: Provenance = { arm: 'gpu', mode: 'free', modelName: 'Tiny', headerSha256: 'aa', tokens: [1, 2] };
const CHOICE = { common: false, force: false };

function trace(provenance: Partial<Provenance>, value: number, stages: 'one' | 'two' = 'two'): Trace {
  const norm = captureOf('attn_norm', 0, [2, 4], [1, value, 3, 4, 5, 6, 7, 8]);
  const out = captureOf('moe_ffn_out', 0, [2, 4], [1, 2, 3, 4, 5, 6, 7, 8]);
  return createTrace({ ...FREE, ...provenance }, stages === 'one' ? [norm] : [norm, out]);
}

function traceStore(): TraceStore {
  return new TraceStore(() => undefined);
}

const file = (name: string, bytes: Uint8Array<ArrayBuffer>) => ({ kind: 'memory', name, bytes }) as const;
const text = (content: string): Uint8Array<ArrayBuffer> => Uint8Array.from(Buffer.from(content));
const npz = (...traces: readonly Trace[]): Uint8Array<ArrayBuffer> => writeZip(tracesToFiles(traces, 'npy'));

describe('traces in the worker', () => {
  it('are read from archives and JSON alike, an engine with both its modes as one', async () => {
    const traces = traceStore();
    const read = await traces.read([
      file('run.npz', npz(trace({}, 2), trace({ mode: 'isolated' }, 2), trace({ arm: 'cpu' }, 2))),
      file('other.json', text(encodeTraceJson(trace({ arm: 'mine' }, 2)))),
    ]);
    expect(read.traces.map(({ file: name, engine, modes }) => [name, engine, modes])).toEqual([
      ['run.npz', 'cpu', ['free']],
      ['run.npz', 'gpu', ['free', 'isolated']],
      ['other.json', 'mine', ['free']],
    ]);
    expect(read.traces[0]).toMatchObject({ model: 'Tiny', headerSha256: 'aa', nTokens: 2, layers: 1, tensors: 2 });
    expect(traces.cards()).toEqual(read.traces);
  });

  it('are compared as a live run compares its engines, and become a report that figures can show', async () => {
    const traces = traceStore();
    const { traces: cards } = await traces.read([
      file('a.npz', npz(trace({}, 2))),
      file('b.npz', npz(trace({ arm: 'cpu' }, 29))),
    ]);
    const [a, b] = cards;
    const report = traces.compare(a?.id ?? '', b?.id ?? '', CHOICE);
    expect(report.verdict).toMatchObject({ status: 'diverged', first: { layer: 0, stage: 'attn_norm' } });
    expect(report.notes?.slice(0, 2)).toEqual([
      'A: gpu of a.npz, free-running',
      'B, the reference: cpu of b.npz, free-running',
    ]);
    expect(report.model).toMatchObject({ name: 'Tiny', headerSha256: 'aa', hparams: { nLayer: 1 } });
    // It can leave the page like any other report.
    expect(reportToJson(report)).toContain('"schema":"moescope-report/2"');
  });

  it('show what only one of them holds as missing, unless only what is common was asked for', async () => {
    const traces = traceStore();
    const { traces: cards } = await traces.read([
      file('a.npz', npz(trace({}, 2, 'one'))),
      file('b.npz', npz(trace({ arm: 'cpu' }, 2))),
    ]);
    const [a, b] = cards.map((card) => card.id);
    const report = traces.compare(a ?? '', b ?? '', CHOICE);
    expect(report.rows.find((row) => row.stage === 'moe_ffn_out')?.verdict).toBe('missing');
    expect(report.verdict.status).toBe('incomplete');
    const common = traces.compare(a ?? '', b ?? '', { ...CHOICE, common: true });
    expect(common.rows.map((row) => row.stage)).toEqual(['attn_norm']);
    expect(common.verdict.status).toBe('match');
  });

  it('of another model are refused, and compared where someone insists', async () => {
    const traces = traceStore();
    const { traces: cards } = await traces.read([
      file('a.npz', npz(trace({}, 2))),
      file('b.npz', npz(trace({ arm: 'cpu', headerSha256: 'bb' }, 2))),
    ]);
    const [a, b] = cards.map((card) => card.id);
    expect(await codeOf(() => traces.compare(a ?? '', b ?? '', CHOICE))).toBe('trace-mismatch');
    const forced = traces.compare(a ?? '', b ?? '', { ...CHOICE, force: true });
    expect(forced.notes?.join()).toContain('different models');
  });

  it('from a folder of arrays by their ggml names are one trace', async () => {
    const array = (value: number) => encodeNpy({ type: 'f4', shape: [1, 2], data: Float32Array.of(1, value) });
    const { traces: cards, ignored } = await traceStore().read([
      file('dump/attn_norm-0.npy', array(2)),
      file('dump/ffn_moe_out-0.npy', array(3)),
      file('dump/odd-thing-0.npy', array(3)),
    ]);
    expect(cards).toHaveLength(1);
    expect(cards[0]).toMatchObject({ file: 'dump', tensors: 2, model: undefined });
    expect(ignored).toEqual(['odd-thing-0.npy']);
  });

  it('and pictures may come in one drop', async () => {
    const report = generateReport({ kind: 'clean', nTokens: 4 });
    const svg = `<svg><metadata>${packView(slimView(report, FIRST_VIEW))}</metadata></svg>`;
    const { views, traces: cards } = await traceStore().read([
      file('a.svg', text(svg)),
      file('b.npz', npz(trace({}, 2))),
    ]);
    expect(views[0]?.file).toBe('a.svg');
    expect(views[0]?.shared.report.verdict).toEqual(report.verdict);
    expect(cards).toHaveLength(1);
  });

  it('that are damaged, gone or never ran are told by code', async () => {
    const bad = file('bad.npz', npz(trace({}, 2)).slice(0, 200));
    await expect(traceStore().read([bad])).rejects.toMatchObject({ code: 'trace-format' });
    expect(await codeOf(() => traceStore().compare('x', 'y', CHOICE))).toBe('usage');
    expect(await codeOf(() => traceStore().save('npz', false))).toBe('usage');
  });
});
