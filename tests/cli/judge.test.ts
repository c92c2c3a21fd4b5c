import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { splitModel } from '../../src/synthetic/split';
import { writeModelFiles } from '../../src/synthetic/write-model';
import { modelToWrite } from '../support/gguf-models';
import { readSharedFile } from '../../src/share/shared-file';
import { runCliHere } from './cli-here';

vi.setConfig({ testTimeout: 120_000 });

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'moescope-judge-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

test('takes the parts of a split model, whatever they are called, before the dump', async () => {
  const parts = splitModel(modelToWrite({ type: 'Q4_0' }), 3).map((file, i) => {
    return { file, path: join(folder, `${['first', 'second', 'third'][i] ?? ''}.gguf`) };
  });
  await writeModelFiles(parts);
  const paths = parts.map(({ path }) => path);
  const dump = join(folder, 'dump');
  const saved = await runCliHere('trace', ...paths, '--tokens', '1,2,3', '--save-tensor', dump, '--quiet');
  expect(saved.status, saved.err).toBe(0);
  const judged = await runCliHere('judge', ...paths, dump, '--engine-a', 'gpu', '--quiet');
  expect(judged.out).toContain('MATCH');
  expect(judged.status, judged.err).toBe(0);
});

test('writes a picture that opens as the run that was judged', async () => {
  const model = 'tests/golden/mini-q4_k_m/model.gguf';
  const picture = join(folder, 'swapped.svg');
  const dump = 'tests/golden/judge/mini-q4_k_m-experts-swapped.npz';
  const judged = await runCliHere('judge', model, dump, '--svg', picture, '--quiet');
  expect(judged.status, judged.err).toBe(1);
  const { report } = readSharedFile(readFileSync(picture), 'svg', picture);
  expect(judged.out.split('\n')[0]).toBe(report.verdict.sentence);
  expect(report.verdict.first).toMatchObject({ layer: 1, stage: 'moe_expert_out' });
  expect(report.run).toMatchObject({ mode: 'local', layers: [0, 1] });
  expect(report.run.positions).toHaveLength(12);
  expect(report.rows.every(({ mode }) => mode === 'local')).toBe(true);
  expect(report.model.hparams.nExpert).toBeGreaterThan(1);
});

test('needs a dump behind them', async () => {
  const { status, err } = await runCliHere('judge', join(folder, 'first.gguf'));
  expect(status).toBe(2);
  expect(err).toContain('judge takes MODEL... DUMP');
});
