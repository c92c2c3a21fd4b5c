import { describe, expect, it } from 'vitest';
import { createReferenceEngine, createCpuEngine, type ExactEngine } from '../../src/cpu/engine/cpu-engine';
import { createGgmlCpuEngine } from '../../src/cpu/ggml/ggml-engine';
import { createInlinePool } from '../../src/cpu/pool/inline-pool';
import type { StepOptions, StepResult, Capture } from '../../src/model/engine';
import { stageSpec, type StageId } from '../../src/model/stages';
import { ACTIVE_STAGES } from '../support/stages';
import { GOLDEN_MODELS, goldenPrompts, loadGolden, relativeRms } from '../support/golden';
import { bits, captureAll, forward, openGolden, range } from './support';

/** llama.cpp sums in f32 what is summed in f64 here; otherwise the same numbers. */
const LLAMACPP_LIMIT = 1e-5;

/** The captures of one step, by stage. */
function stepCaptures(captures: readonly Capture[], layer: number | undefined): ReadonlyMap<StageId, Capture> {
  return new Map(captures.filter((captured) => captured.layer === layer).map((captured) => [captured.stage, captured]));
}

/** All that a step captured, bit for bit. */
function contentOf({ captures }: StepResult): readonly unknown[] {
  return [...captures.values()].map((captured) => [
    captured.stage,
    captured.layer,
    captured.positions,
    captured.shape,
    bits(captured),
    captured.bound,
  ]);
}

/** The model's prompt of twelve tokens, of which some goldens hold the last positions only; the sample has a longer one. */
function promptOf(name: string): string {
  if (name === 'tiny-moe-6x16') return 'p1';
  const prompt = goldenPrompts(name).find((one) => /^p12(?:-|$)/.test(one));
  if (prompt === undefined) throw new Error(`${name} has no prompt of twelve tokens`);
  return prompt;
}

describe('the reference, computing its own stages again from its captured inputs', () => {
  it.each([...GOLDEN_MODELS, 'tiny-moe-6x16'])('gives the same bits at every stage: %s', async (name) => {
    const { model, hparams } = await openGolden(name);
    const { tokens } = loadGolden(name, promptOf(name));
    const engine = createCpuEngine({ model, hparams, pool: createInlinePool(model) });
    const capture = captureAll(range(tokens.length));
    const free = await forward(engine, hparams, tokens, { capture, exact: true });
    let compared = 0;
    let layerInput: Capture | undefined;
    for (const layer of [undefined, ...range(hparams.nLayer), undefined]) {
      const isEnd = layer === undefined && layerInput !== undefined;
      const stages = layer !== undefined ? undefined : isEnd ? ['final_norm', 'lm_head'] : ['embedding'];
      const chosen = new Map([...capture].filter(([id]) => stages?.includes(id) ?? stageSpec(id).scope === 'layer'));
      const captures = stepCaptures(free.captures, layer);
      const again = await engine.isolate(layer, { captures, layerInput }, { capture: chosen });
      // Stages of other architectures are asked for as well, and never had.
      expect([...again.captures.keys()]).toEqual(ACTIVE_STAGES.filter((id) => chosen.has(id)));
      for (const [stage, captured] of again.captures) {
        expect(bits(captured), `${stage} ${String(layer)}`).toEqual(bits(free.captured(stage, layer)));
        compared++;
      }
      layerInput = captures.get(layer === undefined ? 'embedding' : 'post_ffn_residual');
    }
    expect(compared).toBe(3 + (ACTIVE_STAGES.length - 3) * hparams.nLayer);
    await model.close();
  });

  it.each(['mini-q4_k_m', 'tied-q4_k_m', 'mini-mxfp4'])(
    'gives the same bits while it makes its own next step, and reads each weight once: %s',
    async (name) => {
      const { model, hparams } = await openGolden(name);
      const { tokens } = loadGolden(name, promptOf(name));
      const read = { apart: 0, joint: 0 };
      const engineOf = (onRead: (bytes: number) => void): ExactEngine =>
        createReferenceEngine(
          'cpu',
          { model, hparams, pool: createInlinePool(model), hooks: { onRead: (_, n) => onRead(n) } },
          (_, x) => x,
        );
      const apart = engineOf((n) => (read.apart += n));
      const joint = engineOf((n) => (read.joint += n));
      const all = captureAll(range(tokens.length));
      const own: StepOptions = { capture: captureAll([tokens.length - 1]) };
      // Another's captures: those of another prompt of the same length choose other experts.
      const other = createReferenceEngine('cpu', { model, hparams, pool: createInlinePool(model) }, (_, x) => x);
      const fed = await forward(other, hparams, tokens.toReversed(), { capture: all });
      await apart.begin(tokens, 0, own);
      await joint.begin(tokens, 0, own);
      let layerInput: Capture | undefined = fed.captured('embedding');
      for (const layer of [...range(hparams.nLayer), undefined]) {
        const captures = stepCaptures(fed.captures, layer);
        const stages = [...all].filter(([id]) =>
          layer === undefined ? id === 'final_norm' || id === 'lm_head' : stageSpec(id).scope === 'layer',
        );
        // Judged at some positions, and not at every stage.
        const capture = new Map(stages.filter(([id]) => id !== 'k_proj').map(([id]) => [id, [0, 2, 5]] as const));
        const options: StepOptions = { capture, bounds: true };
        const reference = { captures, layerInput };
        const advanced = await (layer === undefined ? apart.end(own) : apart.layer(layer, own));
        const isolated = await apart.isolate(layer, reference, options);
        const [a, b] = await joint.advanceAndIsolate(layer, own, reference, options);
        expect(contentOf(a), String(layer)).toEqual(contentOf(advanced));
        expect(contentOf(b), String(layer)).toEqual(contentOf(isolated));
        layerInput = captures.get('post_ffn_residual');
      }
      expect(read.joint).toBeLessThan(0.75 * read.apart);
      await model.close();
    },
  );

  it('differs where an input differs by one step of f64 in one place', async () => {
    const { model, hparams } = await openGolden('mini-q4_k_m');
    const { tokens } = loadGolden('mini-q4_k_m', 'p12');
    const engine = createCpuEngine({ model, hparams, pool: createInlinePool(model) });
    const capture = captureAll(range(tokens.length));
    const free = await forward(engine, hparams, tokens, { capture, exact: true });
    const captures = new Map(stepCaptures(free.captures, 1));
    const input = free.captured('ffn_norm', 1);
    const exact = input.exact?.slice();
    if (exact === undefined) throw new Error('no exact values');
    exact[5]! *= 1 + 1e-6;
    captures.set('ffn_norm', { ...input, exact });
    const again = await engine.isolate(
      1,
      { captures, layerInput: undefined },
      {
        capture: new Map([...capture].filter(([id]) => id === 'moe_router_logits' || id === 'moe_router_probs')),
      },
    );
    const differing = (stage: StageId): boolean =>
      bits(again.captures.get(stage) ?? input).some((b, i) => b !== bits(free.captured(stage, 1))[i]);
    expect(differing('moe_router_logits')).toBe(true);
    expect(differing('moe_router_probs')).toBe(false);
    await model.close();
  });

  it('says what the reference did not capture', async () => {
    const { model, hparams } = await openGolden('mini-f32');
    const engine = createCpuEngine({ model, hparams, pool: createInlinePool(model) });
    await engine.begin(Uint32Array.of(1), 0, { capture: new Map() });
    const capture = new Map([['attn_norm', [0]] as const]);
    await expect(engine.isolate(0, { captures: new Map(), layerInput: undefined }, { capture })).rejects.toMatchObject({
      code: 'internal',
      message: expect.stringContaining('layer_input') as string,
    });
    await model.close();
  });
});

describe('the cpu-ggml engine, stage by stage on the inputs of llama.cpp', () => {
  it.each([
    ['mini-q4_k_m', 'p1'],
    ['mini-q4_k_m', 'p12'],
    ['mini-f32', 'p12'],
  ])('agrees with llama.cpp at every stage: %s %s', async (name, prompt) => {
    const { model, hparams } = await openGolden(name);
    const golden = loadGolden(name, `llamacpp-${prompt}`);
    const engine = createGgmlCpuEngine({ model, hparams, pool: createInlinePool(model) });
    const positions = range(golden.tokens.length);
    await engine.begin(golden.tokens, 0, { capture: new Map() });
    const captureOf = (stage: StageId, layer: number | undefined): Capture | undefined => {
      const found = golden.stage(stage, layer);
      if (found === undefined) return undefined;
      const index = stageSpec(stage).values === 'index';
      const data = index ? Uint32Array.from(found.data) : Float32Array.from(found.data);
      return { stage, layer, positions, shape: found.shape, data };
    };
    let compared = 0;
    for (let layer = 0; layer < hparams.nLayer; layer++) {
      const captures = new Map(
        ACTIVE_STAGES.flatMap((stage): (readonly [StageId, Capture])[] => {
          const captured = stageSpec(stage).scope === 'layer' ? captureOf(stage, layer) : undefined;
          return captured === undefined ? [] : [[stage, captured]];
        }),
      );
      const layerInput = layer === 0 ? captureOf('embedding', undefined) : captureOf('post_ffn_residual', layer - 1);
      const fed = (stage: StageId): boolean =>
        stageSpec(stage).inputs.every((input) =>
          input === 'layer_input' ? layerInput !== undefined : [...captures.keys()].some((id) => id === input),
        );
      const capture = new Map([...captures.keys()].filter(fed).map((stage) => [stage, positions] as const));
      const { captures: own } = await engine.isolate(layer, { captures, layerInput }, { capture });
      for (const [stage, captured] of own) {
        const expected = captures.get(stage);
        if (stageSpec(stage).values === 'index') expect(captured.data, stage).toEqual(expected?.data);
        else
          expect(relativeRms(captured.data, expected?.data ?? []), `${stage} ${String(layer)}`).toBeLessThan(
            LLAMACPP_LIMIT,
          );
        compared++;
      }
    }
    // Nearly all: the golden holds no scores, so that softmax has no input there.
    expect(compared).toBeGreaterThanOrEqual(18 * hparams.nLayer);
    await model.close();
  });
});
