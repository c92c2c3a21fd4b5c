import { runCliHere } from '../cli/cli-here';
import { readFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { reportFromJson } from '../../src/divergence/report-json';
import type { Report } from '../../src/divergence/report';
import { baselineFromJson, baselineToJson } from '../../src/regression/baseline-json';
import { compareBaseline } from '../../src/regression/compare-baseline';
import { cardPicture } from '../../src/share/card';
import { readReport } from '../../src/share/check-report';
import { readSharedFile } from '../../src/share/shared-file';

/* What 0.1 wrote (commit e9cf88d, tests/golden/mini-q4_k_m, SwiftShader) is read by this version. */

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

const OLD = 'tests/upgrade/v0.1';
const read = (name: string): string => readFileSync(join(OLD, name), 'utf8');
const PARTS = ['q_proj', 'k_proj', 'v_proj'];

describe('a report of 0.1', () => {
  it('says that it is of 0.1 and of schema 1', () => {
    for (const name of ['healthy.report.json', 'qtype-blind.report.json']) {
      expect(JSON.parse(read(name))).toMatchObject({ schema: 'moescope-report/1', tool: { version: '0.1.0' } });
    }
  });

  it('opens on the page, with its verdict in the words of today', () => {
    const healthy = readReport(read('healthy.report.json'), 'healthy');
    expect(healthy).toMatchObject({
      schema: 'moescope-report/2',
      verdict: { status: 'match' },
      run: { candidate: { engine: 'gpu' }, reference: { engine: 'exact' } },
    });
    expect(healthy.rows).toHaveLength(94);
    const wrong = readReport(read('qtype-blind.report.json'), 'wrong');
    expect(wrong.verdict).toMatchObject({
      status: 'not-finite',
      first: {
        layer: 1,
        stage: 'moe_expert_out',
        tensor: 'blk.1.ffn_down_exps.weight',
        cause: { code: 'read-as-type', parameters: { type: 'Q4_K' } },
      },
    });
    expect(cardPicture(wrong).description).toContain('a Q6_K weight is read as Q4_K');
  });

  it('rides in a picture of 0.1, which opens too', () => {
    const { report } = readSharedFile(readFileSync(join(OLD, 'qtype-blind.svg')), 'svg', 'old.svg');
    expect(report.verdict.status).toBe('not-finite');
    expect(report.verdict.sentence).toBe(readReport(read('qtype-blind.report.json'), 'wrong').verdict.sentence);
  });
});

describe('a baseline of 0.1', () => {
  let folder: string;
  let now: Report;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'moescope-upgrade-'));
    const file = join(folder, 'now.json');
    const model = 'tests/golden/mini-q4_k_m/model.gguf';
    const prompt = ['--tokens', '257,300,31,410,5', '--mode', 'both', '--runtime', 'node'];
    const held = await runCliHere(
      'trace',
      model,
      ...prompt,
      '--baseline',
      `${OLD}/healthy.baseline.json`,
      '--json',
      file,
    );
    expect(held.status, held.err).toBe(0);
    now = reportFromJson(readFileSync(file, 'utf8'));
  });
  afterAll(() => {
    rmSync(folder, { recursive: true });
  });

  it('holds a run of today: stages that it joined or kept in another order by their limits, all others by their bits', () => {
    const old = baselineFromJson(read('healthy.baseline.json'));
    expect(old.run.stages).toEqual(now.run.stages);
    expect(now.rows.filter(isPart)).toHaveLength(12);
    // On the adapter that it is of, whatever this machine's is called.
    const { adapter, runtime } = old;
    const here = { ...now, runtime, adapter: { ...now.adapter, features: [], limits: {}, ...adapter } } as Report;
    const result = compareBaseline(here, old);
    expect(result).toMatchObject({ status: 'within', held: 'bits', findings: [] });
    expect(result.sentence).toBe(
      'BASELINE: 82 of 102 rows are the same bit for bit; 20 whose bits the older baseline does not have are within their limits',
    );
  });

  it('sees a part that leaves its limit, and another bit anywhere else', () => {
    const text = read('healthy.baseline.json');
    const tight = baselineFromJson(text.replace(/("stage":"qkv_matmul","mode":"free".*?"limit":)[^,]+/, '$11e-12'));
    const other = baselineFromJson(text.replace(/("layer":1,"stage":"attn_norm".*?"bits":")./, '$1g'));
    const adapter = { ...now.adapter, ...tight.adapter };
    const here = { ...now, runtime: tight.runtime, adapter } as Report;
    const found = compareBaseline(here, tight).findings.map(({ stage, kind }) => `${kind} ${stage}`);
    expect(new Set(found)).toEqual(new Set(PARTS.map((stage) => `limit ${stage}`)));
    expect(compareBaseline(here, other).findings).toMatchObject([{ kind: 'bits', stage: 'attn_norm', layer: 1 }]);
  });

  it('is written as one of today, and read again', () => {
    const old = baselineFromJson(read('healthy.baseline.json'));
    const text = baselineToJson(old);
    expect(text).toContain('"moescope-baseline/2"');
    expect(baselineFromJson(text)).toEqual(old);
    writeFileSync(join(folder, 'again.json'), text);
  });

  it.each([
    '{"schema":"moescope-baseline/1"}',
    '{"schema":"moescope-baseline/1","model":{},"run":{},"tool":{},"limits":[],"rows":[]}',
  ])('that is damaged is refused: %s', (text) => {
    expect(() => baselineFromJson(text)).toThrow(/no baseline/);
  });
});

const isPart = ({ stage }: { readonly stage: string }): boolean => PARTS.includes(stage);
