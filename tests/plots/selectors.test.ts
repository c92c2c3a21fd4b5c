import { describe, expect, it } from 'vitest';
import { stageOrder, type StageId } from '../../src/model/stages';
import { explain, sentenceParts } from '../../src/plots/select-explain';
import { selectDetail } from '../../src/plots/select-detail';
import { selectPanel } from '../../src/plots/select-panel';
import { selectTable } from '../../src/plots/select-table';
import { neighbour, selectClosest, selectDivergences, selectFirst } from '../../src/plots/select-walk';
import { viewOfReport, type TraceView } from '../../src/plots/trace-view';
import { generateReport } from '../support/reports';

const clean = viewOfReport(generateReport({ kind: 'clean' }));
const blind = viewOfReport(generateReport({ kind: 'qtype-blind' }));
const poison = viewOfReport(generateReport({ kind: 'poison' }));
/** The same poison on the reference. */
const ofBoth: TraceView = {
  ...poison,
  rows: poison.rows.map((row) => ((row.nanA ?? 0) > 0 ? { ...row, verdict: 'nan-both' } : row)),
};
const words = (view: TraceView): string =>
  explain(view)
    .map((part) => part.text)
    .join('');

describe('explanation', () => {
  it('names the weight, clears its inputs and counts the victims', () => {
    expect(words(blind)).toMatch(
      /^The kernel that reads blk\.2\.ffn_down_exps\.weight \(Q6_K\) is wrong; its inputs are right: largest error 0\.\d\d of the bound\. 76 stages downstream inherit the error\. Routing first flips at layer 3, token 0\.$/,
    );
    expect(
      explain(blind)
        .filter((part) => part.code)
        .map((part) => part.text),
    ).toEqual(['blk.2.ffn_down_exps.weight']);
  });

  it('says where the run was closest when nothing parted', () => {
    expect(words(clean)).toMatch(
      /^294 comparisons, none over its limit\. The closest call is \w+ of layer \d, at 0\.\d\d /,
    );
    expect(words(clean)).toMatch(
      /Both arms choose the same experts throughout; the closest choice, layer \d, token \d+/,
    );
  });

  it('does not blame a kernel on free-running evidence alone', () => {
    const first = blind.verdict?.first;
    if (blind.verdict === undefined || first === undefined) throw new Error('no culprit');
    const view: TraceView = { ...blind, verdict: { ...blind.verdict, first: { ...first, mode: 'free' } } };
    expect(words(view)).toMatch(/^Free-running only: MoeExpertOut is where the arms part, not proof/);
  });

  it('blames the model, not a kernel, where the reference is not finite either', () => {
    expect(words(ofBoth)).toMatch(
      /^Both arms read blk\.3\.ffn_gate_exps\.weight \(Q4_K\) and both get values that are not finite: the fault is the model’s own, no kernel’s\. 52 stages downstream/,
    );
    expect(words(ofBoth)).not.toContain('is wrong');
  });

  it('is silent while there is no verdict', () => {
    expect(explain({ ...blind, verdict: undefined })).toEqual([]);
  });
});

describe('explanation of a reference that is not finite', () => {
  it('does not blame the kernel', () => {
    const { verdict } = poison;
    if (verdict?.first === undefined) throw new Error('The report has a culprit.');
    const text = words({ ...poison, verdict: { ...verdict, first: { ...verdict.first, side: 'reference' } } });
    expect(text).toMatch(/^Only the reference’s/);
    expect(text).not.toContain('is wrong');
  });
});

describe('rings of a panel', () => {
  const ringed = (view: TraceView, stage: StageId): readonly number[] =>
    selectPanel(view, stage, 'relL2').series.flatMap(({ points }) =>
      points.filter((point) => point.failing).map((point) => point.layer),
    );

  it('are where poison of both arms begins, not where both were fed it', () => {
    expect(new Set(ringed(ofBoth, 'moe_expert_gate'))).toEqual(new Set([3]));
    expect(ringed(ofBoth, 'moe_ffn_out')).toEqual([]);
  });
});

describe('sentence parts', () => {
  it.each([
    'DIVERGED: first at layer 6, moe_expert_out, token 2, expert 41 (blk.6.ffn_down_exps.weight, Q4_K): error 3.1e4 x its bound',
    'POISONED: first at layer 3, moe_expert_gate, token 5, expert 11 (blk.3.ffn_gate_exps.weight, Q4_K): NaN',
    'DIVERGED: first at lm_head, token 0 (output.weight, Q6_K): error 12 x its bound',
    'MATCH: 6 layers, 25 stages, 20 tokens agree; largest error 0.31 x its bound; free-running 1 - cosine at most 1.2e-12',
  ])('put together say exactly: %s', (sentence) => {
    const parts = sentenceParts(sentence);
    expect(parts.map((p) => p.text).join('')).toBe(sentence);
    expect(parts[0]).toEqual({ text: sentence.split(':')[0], role: 'status' });
  });

  it('sets names apart', () => {
    const names = sentenceParts('DIVERGED: first at lm_head, token 0 (output.weight, Q6_K): error 1.2e4 x').filter(
      (p) => p.role === 'name',
    );
    expect(names.map((p) => p.text)).toEqual(['lm_head', 'output.weight']);
  });
});

describe('walking the divergences', () => {
  it('goes in forward order from the culprit and comes round', () => {
    const places = selectDivergences(blind);
    expect(places[0]).toMatchObject({ layer: 2, stage: 'moe_expert_out' });
    expect(places.at(-1)).toMatchObject({ layer: undefined, stage: 'lm_head' });
    const order = places.map((p) => (p.layer ?? 99) * 1000 + stageOrder(p.stage));
    expect(order).toEqual([...order].sort((x, y) => x - y));
    expect(neighbour(blind, places[0], 1)).toEqual(places[1]);
    expect(neighbour(blind, places[0], -1)).toEqual(places.at(-1));
    expect(neighbour(blind, places.at(-1), 1)).toEqual(places[0]);
  });

  it('starts from a place that is itself fine', () => {
    const from = { layer: 0, stage: 'attn_norm', position: undefined } as const;
    expect(neighbour(blind, from, 1)).toMatchObject({ layer: 2, stage: 'moe_expert_out' });
    expect(neighbour(blind, from, -1)).toMatchObject({ layer: undefined, stage: 'lm_head' });
    expect(neighbour(blind, undefined, 1)).toMatchObject({ layer: 2, stage: 'moe_expert_out' });
  });

  it('finds nothing in a clean run, and where that was closest', () => {
    expect(selectDivergences(clean)).toEqual([]);
    expect(selectFirst(clean)).toBeUndefined();
    expect(neighbour(clean, undefined, 1)).toBeUndefined();
    const worst = Math.max(...clean.rows.map((r) => r.maxRatio ?? 0));
    const place = selectClosest(clean);
    const row = clean.rows.find((r) => r.mode === 'isolated' && r.layer === place?.layer && r.stage === place?.stage);
    expect(row?.maxRatio).toBe(worst);
  });

  it('marks the first wrong row while there is no verdict yet', () => {
    expect(selectFirst({ ...blind, verdict: undefined })).toMatchObject({ layer: 2, stage: 'moe_expert_out' });
  });
});

describe('table', () => {
  it('has a line a stage and a cell a layer', () => {
    const lines = selectTable(blind, 'ratio');
    const out = lines.find((l) => l.stage === 'moe_expert_out');
    expect(out?.cells.map((c) => c?.layer)).toEqual([0, 1, 2, 3, 4, 5]);
    expect(out?.cells[2]).toEqual({ layer: 2, text: '1.4e6', verdict: 'diverge', first: true });
    expect(lines.find((l) => l.stage === 'lm_head')?.cells).toHaveLength(1);
    expect(lines.find((l) => l.stage === 'moe_router_indices')?.cells[0]?.text).toBe('same');
    expect(lines.map((l) => l.stage)).not.toContain('ffn_gate');
  });

  it('shows flips, NaN and what was not captured as what they are', () => {
    const flips = selectTable(blind, 'free').find((l) => l.stage === 'moe_router_indices');
    expect(flips?.cells[3]?.text).toMatch(/^\d+ flips$/);
    expect(selectTable(poison, 'free').find((l) => l.stage === 'moe_ffn_out')?.cells[5]?.text).toBe('NaN');
    const rows = [{ a: 'gpu', b: 'cpu', mode: 'free', layer: 0, stage: 'v', verdict: 'unmeasured', count: 0 }] as const;
    const view: TraceView = { ...blind, rows: rows.map((r) => ({ ...r, stage: 'attn_out' })) };
    expect(selectTable(view, 'free')[0]?.cells[0]?.text).toBe('–');
  });

  it('tells experts that only one arm chose from what was not captured', () => {
    const gate = { a: 'gpu', b: 'cpu', mode: 'free', stage: 'moe_expert_gate', count: 0 } as const;
    const rows: TraceView['rows'] = [
      { ...gate, layer: 0, verdict: 'after-flip' },
      { ...gate, layer: 1, verdict: 'victim', nanA: 4 },
    ];
    const view: TraceView = { ...blind, rows };
    expect(
      selectTable(view, 'free')[0]
        ?.cells.slice(0, 2)
        .map((c) => c?.text),
    ).toEqual(['no shared expert', 'NaN']);
    expect(selectPanel(view, 'moe_expert_gate', 'relL2').series[0]?.points).toMatchObject([{ layer: 1, value: NaN }]);
  });
});

describe('detail', () => {
  it('puts both ways of running side by side and flags what is over its limit', () => {
    const detail = selectDetail(blind, { layer: 2, stage: 'moe_expert_out', position: 4 });
    expect(detail?.heading).toBe('Layer 2, MoeExpertOut, token 4');
    expect(detail?.tensor).toBe('blk.2.ffn_down_exps.weight (Q6_K)');
    expect(detail?.lines.find((l) => l.title === 'error ÷ bound')).toEqual({
      title: 'error ÷ bound',
      free: '–',
      isolated: '1.4e6',
      bad: ['isolated'],
    });
    expect(detail?.lines.some((l) => l.title === 'relative L2, token 4')).toBe(true);
  });

  it('flags a NaN ratio, and knows of nothing that was not reported', () => {
    const detail = selectDetail(poison, { layer: 3, stage: 'moe_expert_gate', position: undefined });
    expect(detail?.lines.find((l) => l.title === 'error ÷ bound')).toMatchObject({
      isolated: 'NaN',
      bad: ['isolated'],
    });
    expect(selectDetail(poison, { layer: 77, stage: 'moe_router', position: undefined })).toBeUndefined();
  });
});
