import { mkdirSync, writeFileSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import { GOLDEN_MODELS, goldenModelPath, goldenPrompts, loadGolden, relativeRms } from '../tests/support/golden';
import { BOTH, recorder, testSession } from '../tests/support/session';

interface Line {
  readonly model: string;
  readonly prompt: string;
  readonly stages: number;
  readonly worst: Readonly<Record<string, number>>;
  readonly ratio: number;
  readonly ms: number;
}

const FOLDERS = ['cpu', 'gpu', 'gpu-isolated'] as const;
const lines: Line[] = [];
let adapter = '';

describe('figures', () => {
  for (const model of [...GOLDEN_MODELS, 'tiny-moe-6x16']) {
    for (const prompt of goldenPrompts(model)) {
      it(`${model} ${prompt}`, async () => {
        lines.push(await measure(model, prompt));
        expect(lines.at(-1)?.stages).toBeGreaterThan(10);
      });
    }
  }
});

afterAll(() => {
  const body = lines.map((l) => {
    const figures = FOLDERS.map((folder) => (l.worst[folder] ?? NaN).toExponential(1));
    return `| ${l.model} | ${l.prompt} | ${l.stages} | ${figures.join(' | ')} | ${l.ratio.toFixed(2)} | ${(l.ms / 1000).toFixed(1)} |`;
  });
  const head = `| model | prompt | tensors | ${FOLDERS.join(' | ')} | error / bound | s |\n|---|---|---|---|---|---|---|---|`;
  mkdirSync('test-results', { recursive: true });
  writeFileSync('test-results/verification.md', `Adapter: ${adapter}\n\n${head}\n${body.join('\n')}\n`);
});

async function measure(model: string, prompt: string): Promise<Line> {
  const golden = loadGolden(model, prompt);
  const session = await testSession(goldenModelPath(model));
  const seen = recorder();
  const started = performance.now();
  const report = await session.run(
    { ...BOTH, tokens: [...golden.tokens], positions: `${golden.positions[0] ?? 0}..${golden.tokens.length}` },
    seen,
  );
  const ms = performance.now() - started;
  await session.dispose();
  adapter = report.adapter?.description ?? '';
  const worst: Record<string, number> = {};
  for (const folder of FOLDERS) {
    for (const { stage, layer } of golden.held) {
      const exact = golden.stage(stage, layer);
      const tap = seen.taps.get(`${folder}/${layer ?? '-'}/${stage}`);
      const error = exact === undefined || tap === undefined ? NaN : relativeRms(tap.data, exact.data);
      worst[folder] = Math.max(worst[folder] ?? 0, error);
    }
  }
  const ratio = report.rows.reduce((x, row) => Math.max(x, row.maxRatio ?? 0), 0);
  return { model, prompt, stages: golden.held.length, worst, ratio, ms };
}
