import { expect, test } from 'vitest';
import { exitCodeOfReport } from '../../src/cli/command-line/exit-codes';
import { createCpuEngine } from '../../src/cpu/engine/cpu-engine';
import { createInlinePool } from '../../src/cpu/pool/inline-pool';
import type { IsolatingEngine } from '../../src/model/engine';
import { BitsOfRun, compareRuns, runAsOftenAsAsked } from '../../src/session/repeat-run';
import { openGolden } from '../cpu/support';
import { goldenModelPath } from '../support/golden';
import { BOTH, recorder, runInput, testSession } from '../support/session';

const SMALL = { ...BOTH, mode: 'free', stages: 'moe_router,moe_ffn_out', tokens: [5, 6, 7] } as const;

test('an engine whose bits never change is steady, and its report says how often it ran', async () => {
  const session = await testSession(goldenModelPath('tied-q4_k_m'));
  const heard = recorder();
  const report = await session.run({ ...SMALL, repeat: 3 }, heard);
  expect(report.repeat).toEqual({
    ...{ status: 'steady', runs: 3, tensors: 4, changed: 0 },
    sentence: 'STEADY: 3 runs of the same prompt, 4 captured tensors: not a bit changes',
  });
  expect(report.verdict.status).toBe('match');
  // One run for its listener: it starts once and is done once, with the report that has it all.
  expect(heard.events.filter(({ type }) => type === 'started')).toHaveLength(1);
  expect(heard.events.filter(({ type }) => type === 'done')).toEqual([{ type: 'done', report }]);
  await session.dispose();
});

test('a run that only isolates is repeated too; a fault on purpose is steady', async () => {
  const session = await testSession(goldenModelPath('tied-q4_k_m'));
  const inject = ['wrong-expert@layer=1'];
  const report = await session.run({ ...SMALL, mode: 'isolated', stages: 'all', inject, repeat: 2 }, recorder());
  expect(report.repeat).toMatchObject({ status: 'steady', runs: 2 });
  expect(report.verdict.status).toBe('diverged');
  await session.dispose();
});

test('the last bit of one token in one of the runs is found, and takes the verdict', async () => {
  const { model, hparams } = await openGolden('tied-q4_k_m');
  const engine = createCpuEngine({ model, hparams, pool: createInlinePool(model) });
  let begun = 0;
  /** In its third run token 1 of layer 1's last stage has another last bit. */
  const flaky: IsolatingEngine = {
    ...engine,
    begin(tokens, nPast, options) {
      begun++;
      return engine.begin(tokens, nPast, options);
    },
    async layer(layer, options) {
      const result = await engine.layer(layer, options);
      const captured = result.captures.get('moe_ffn_out');
      if (begun === 3 && layer === 1 && captured !== undefined) {
        const words = new Uint32Array(captured.data.buffer);
        words[captured.data.length / 3 + 4] = (words[captured.data.length / 3 + 4] ?? 0) ^ 1;
      }
      return result;
    },
  };
  const heard = recorder();
  const report = await runAsOftenAsAsked(
    { ...runInput(model, hparams), ...heard, spec: { ...SMALL, engines: ['cpu'], repeat: 5 }, engines: { b: flaky } },
    () => Promise.resolve({ b: flaky }),
  );
  const sentence =
    'UNSTEADY: run 3 of 5 has other bits than the first, first at layer 1, moe_ffn_out, token 1; 1 of 4 captured tensors changed';
  expect(report.repeat).toEqual({
    ...{ status: 'unsteady', runs: 3, tensors: 4, changed: 1, sentence },
    first: { layer: 1, stage: 'moe_ffn_out', position: 1 },
  });
  expect(report.verdict).toMatchObject({ status: 'diverged', sentence });
  expect(exitCodeOfReport(report)).toBe(1);
  expect(heard.events.at(-1)).toEqual({ type: 'done', report });
  await model.close();
});

test('a tensor that another run lacks counts as changed', async () => {
  const twoRows = { shape: [2, 2], data: Float32Array.of(1, 2, 3, 4) };
  const bits = new BitsOfRun();
  bits.add({ ...{ stage: 'lm_head', layer: undefined }, positions: [7, 9], ...twoRows });
  const found = await compareRuns(2, bits, () => Promise.resolve(new BitsOfRun()));
  expect(found).toMatchObject({ status: 'unsteady', changed: 1, first: { stage: 'lm_head', position: 7 } });
});
