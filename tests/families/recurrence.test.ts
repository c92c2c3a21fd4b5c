import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createCpuEngine } from '../../src/cpu/engine/cpu-engine';
import { createInlinePool } from '../../src/cpu/pool/inline-pool';
import type { ModelGraph } from '../../src/arch/graph';
import type { Engine, Capture } from '../../src/model/engine';
import type { ModelFile } from '../../src/gguf/model-file';
import { createGpuEngine } from '../../src/gpu/engine/gpu-engine';
import type { HParams } from '../../src/model/hparams';
import { readHParams } from '../../src/model/read-hparams';
import { bits, captureAll, forward, range } from '../cpu/support';
import { loadGolden, relativeRms } from '../support/golden';
import { testContext } from '../support/gpu';
import { exactStages, heldRows } from '../support/exact-stages';
import { openFamily } from './goldens';

const PROMPT = 'p70-last8';
/** As in `gpu.test.ts`. */
const LIMIT = 1e-5;

describe.each(['qwen35moe', 'qwen3next'])('what %s remembers', (name) => {
  let model: ModelFile;
  let hparams: HParams;
  let graph: ModelGraph;
  const { tokens, positions } = loadGolden(`families/${name}`, PROMPT);
  beforeAll(async () => {
    ({ model, graph } = await openFamily(name));
    hparams = readHParams(model);
  });
  afterAll(() => model.close());

  const exact = (): Engine => createCpuEngine({ model, hparams, pool: createInlinePool(model) });
  const gpu = async (chunkTokens?: number): Promise<Engine> =>
    createGpuEngine({ context: await testContext(), model, hparams, ...(chunkTokens && { chunkTokens }) });

  /** Logits and states of the last token, the prompt given in pieces that end at these tokens. */
  async function inPieces(engine: Engine, ends: readonly number[]): Promise<readonly Capture[]> {
    let from = 0;
    let captures: readonly Capture[] = [];
    for (const end of [...ends, tokens.length]) {
      const capture = captureAll([end - 1]);
      ({ captures } = await forward(engine, hparams, tokens.slice(from, end), { capture }, from));
      from = end;
    }
    await engine.dispose();
    return captures.filter(({ stage }) => stage === 'lm_head' || stage === 'delta_state');
  }

  it.each([[[64]], [[63]], [[1, 2, 5]], [[69]], [[20, 40, 65, 66]]])(
    'is the same to the bit on the exact engine where the prompt goes on behind %j',
    async (ends) => {
      const whole = await inPieces(exact(), []);
      const pieces = await inPieces(exact(), ends);
      expect(pieces.map((captured) => bits(captured).join())).toEqual(whole.map((captured) => bits(captured).join()));
    },
  );

  it.each([1, 3, 64])('is the same to the bit on the GPU in chunks of %i tokens', async (chunkTokens) => {
    const whole = await inPieces(await gpu(), []);
    const pieces = await inPieces(await gpu(chunkTokens), []);
    expect(pieces.map((captured) => bits(captured).join())).toEqual(whole.map((captured) => bits(captured).join()));
  });

  it.each([[[64]], [[1, 2, 5]], [[69]]])('is right on the GPU where the prompt goes on behind %j', async (ends) => {
    const captures = await inPieces(await gpu(), ends);
    const last = loadGolden(`families/${name}`, PROMPT);
    for (const stage of exactStages(last, graph)) {
      const { node, layer, expected } = stage;
      const captured = captures.find((one) => one.stage === node.out.id && one.layer === layer);
      if (captured === undefined) continue;
      const width = node.out.recurrent === true ? expected.data.length : expected.data.length / last.positions.length;
      expect(
        relativeRms(heldRows(captured.data, stage).length === width ? captured.data : [], expected.data.slice(-width)),
      ).toBeLessThan(LIMIT);
    }
  });

  it('goes on only from where it ended, and from the first token', async () => {
    for (const engine of [exact(), await gpu()]) {
      const step = (from: number, end: number) =>
        forward(engine, hparams, tokens.slice(from, end), { capture: captureAll([end - 1]) }, from);
      await step(0, 8);
      await expect(step(5, 9)).rejects.toThrow('a recurrence cannot go on from 5');
      await step(0, 8);
      await step(8, 9);
      await engine.dispose();
    }
  });

  it('leaves no trace in another run, nor does capturing it', async () => {
    for (const engine of [exact(), await gpu(16)]) {
      const logits = async (stages: 'all' | 'logits'): Promise<string> => {
        const all = captureAll(positions);
        const capture = stages === 'all' ? all : new Map([...all].filter(([id]) => id === 'lm_head'));
        return bits((await forward(engine, hparams, tokens, { capture })).captured('lm_head', undefined)).join();
      };
      const first = await logits('all');
      expect(await logits('logits')).toBe(first);
      expect(await logits('all')).toBe(first);
      await engine.dispose();
    }
  });

  it('has every state that is asked for', async () => {
    const engine = await gpu(7);
    const { captures } = await forward(engine, hparams, tokens, { capture: captureAll(range(tokens.length)) });
    for (const captured of captures.filter(({ stage }) => stage === 'delta_state')) {
      expect(captured.shape[0]).toBe(tokens.length);
      expect(captured.data.every(Number.isFinite)).toBe(true);
    }
    await engine.dispose();
  });
});
