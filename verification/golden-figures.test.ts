import { afterAll, describe, expect, it } from 'vitest';
import { openWithGraph } from '../tests/families/goldens';
import { exactStages, heldRows } from '../tests/support/exact-stages';
import { relativeRms } from '../tests/support/golden';
import { BOTH, recorder, testSession } from '../tests/support/session';
import { keepLines, type GoldenLine } from './golden-lines';
import { SUBJECTS, type Subject } from './subjects';

const lines: GoldenLine[] = [];

describe('figures', () => {
  for (const subject of SUBJECTS) {
    for (const prompt of subject.prompts) {
      it(`${subject.name} ${prompt}`, async () => {
        const line = await measure(subject, prompt);
        lines.push(line);
        expect(line.tensors).toBeGreaterThan(10);
        expect(line.exact).toBeLessThan(2e-7);
        expect(Math.max(line.gpu, line.isolated)).toBeLessThan(prompt.startsWith('p300') ? 2e-5 : 1e-5);
        expect(line.ratio).toBeLessThanOrEqual(1);
      });
    }
  }
});

afterAll(() => {
  keepLines(lines);
});

async function measure(subject: Subject, prompt: string): Promise<GoldenLine> {
  const golden = subject.load(prompt);
  const { model, graph } = await openWithGraph(subject.path);
  await model.close();
  const session = await testSession(subject.path);
  const seen = recorder();
  const { tokens, positions } = golden;
  const asked = { ...BOTH, tokens: [...tokens], positions: `${positions[0] ?? 0}..${(positions.at(-1) ?? 0) + 1}` };
  const report = await session.run(asked, seen);
  await session.dispose();
  const stages = exactStages(golden, graph);
  const worst = (folder: string): number => {
    const errors = stages.map((stage) => {
      const { node, layer, expected } = stage;
      const data = seen.captures.get(`${folder}/${layer ?? '-'}/${node.out.id}`)?.data ?? [];
      if (node.out.kind === 'index') expect([...data], `${folder} ${node.out.id}`).toEqual([...expected.data]);
      return relativeRms(heldRows(data, stage), expected.data);
    });
    return Math.max(...errors);
  };
  return {
    runtime: 'node',
    ...{ model: subject.name, arch: graph.arch, prompt, adapter: report.adapter?.description ?? '' },
    ...{ tensors: stages.length, exact: worst('cpu'), gpu: worst('gpu'), isolated: worst('gpu-isolated') },
    ratio: report.rows.reduce((x, row) => Math.max(x, row.maxRatio ?? 0), 0),
  };
}
