import { expect, test } from '@playwright/test';
import type { ModelGraph } from '../../src/arch/graph';
import { openWithGraph } from '../../tests/families/goldens';
import { exactStages, heldRows } from '../../tests/support/exact-stages';
import { goldenModelPath, goldenPrompts, loadGolden, relativeRms, type Golden } from '../../tests/support/golden';
import type { HarnessRun } from '../harness/protocol';
import { sharedHarness, valuesOf } from './shared-harness';

/** Largest relative RMS against the exact tensors: f32 on the GPU, f64 on the reference (captures are rounded to f32). */
const LIMIT = { gpu: 1e-5, 'gpu-isolated': 1e-5, cpu: 2e-7 } as const;
/** Rounding gathers over a long prompt. */
const LONG_PROMPT_LIMIT = 2e-5;

type Folder = keyof typeof LIMIT;

/** What a golden model's prompt came to. */
export interface GoldenRun {
  readonly model: string;
  readonly arch: string;
  readonly prompt: string;
  readonly run: HarnessRun;
  /** Tensors that were compared, and the largest error by folder. */
  readonly tensors: number;
  readonly worst: Readonly<Record<Folder, number>>;
}

/**
 * One test a golden model: every stage of the given prompts on the GPU, isolated and free, and on the reference, in the browser.
 * @param models folders of `tests/golden` @param prompts which of a model's prompts run @param seen is told of each
 */
export function testGoldens(
  models: readonly string[],
  prompts: (model: string, all: readonly string[]) => readonly string[],
  seen: (run: GoldenRun) => void = () => undefined,
): void {
  const harness = sharedHarness();
  for (const model of models) {
    const chosen = prompts(model, goldenPrompts(model));
    if (chosen.length === 0) continue;
    test(`every stage of ${model} is right on both sides in the browser`, async () => {
      const { model: file, graph } = await openWithGraph(goldenModelPath(model));
      await file.close();
      await harness().open(model);
      for (const prompt of chosen) {
        const golden = loadGolden(model, prompt);
        const run = await harness().trace(specOf(golden), { captures: true });
        await test.step(prompt, () => {
          seen({ model, arch: graph.arch, prompt, run, ...checkRun(golden, graph, run) });
        });
      }
    });
  }
}

/** Every stage that the golden holds, in each folder. */
function checkRun(golden: Golden, graph: ModelGraph, run: HarnessRun): Pick<GoldenRun, 'tensors' | 'worst'> {
  expect(run.isSoftware).toBe(true);
  const captures = new Map(
    run.captures.map((captured) => [`${captured.folder}/${captured.layer ?? '-'}/${captured.stage}`, captured]),
  );
  const stages = exactStages(golden, graph);
  const worstOf = (folder: Folder): number => {
    const limit = folder !== 'cpu' && golden.prompt.startsWith('p300') ? LONG_PROMPT_LIMIT : LIMIT[folder];
    const errors = stages.map((stage) => {
      const { node, layer, expected } = stage;
      const key = `${folder}/${layer ?? '-'}/${node.out.id}`;
      const where = `${golden.prompt} ${key}`;
      const captured = captures.get(key);
      if (captured === undefined) throw new Error(`${where} was not captured`);
      const isIndex = node.out.kind === 'index';
      const data = valuesOf(captured, isIndex);
      if (isIndex) expect([...data], where).toEqual([...expected.data]);
      const error = relativeRms(heldRows(data, stage), expected.data);
      expect(error, where).toBeLessThan(limit);
      return error;
    });
    return Math.max(...errors);
  };
  const worst = { gpu: worstOf('gpu'), 'gpu-isolated': worstOf('gpu-isolated'), cpu: worstOf('cpu') };
  expect(run.status, run.sentence).toBe('match');
  expect(run.worst).toBeLessThanOrEqual(1);
  return { tensors: stages.length, worst };
}

function specOf(golden: Golden) {
  const first = golden.positions[0] ?? 0;
  return {
    tokens: [...golden.tokens],
    engines: ['gpu', 'cpu'],
    mode: 'both',
    stages: 'all',
    layers: 'all',
    positions: `${first}..${golden.tokens.length}`,
  } as const;
}
