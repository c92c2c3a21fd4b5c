/* eslint-disable no-console -- a command */
import type { GpuContext } from '../../../src/gpu/device';
import { createGpuEngine, type GpuEngineOptions } from '../../../src/gpu/engine/gpu-engine';
import type { CaptureRequest, Capture } from '../../../src/model/engine';
import { QUANT_TYPES } from '../../../src/gguf/ggml-types';
import { bits, captureAll, forward, range } from '../../cpu/support';
import { isolateAll, made, worstRatio } from '../../gpu/engine/support';

/** Runs one prompt in every way that must not change a bit on this adapter, and prints which captures differ. */
export async function checkSame(context: GpuContext): Promise<void> {
  const shape = { nLayer: 2, nEmbd: 512, nHead: 4, nHeadKv: 2, headDim: 128, nExpert: 10, nExpertUsed: 3, nFfExp: 256 };
  const { model, hparams } = await made({ type: (layer) => (layer === 0 ? 'Q6_K' : 'Q4_K'), shape });
  const tokens = Uint32Array.from({ length: 200 }, (_, i) => (i * 37 + 11) % hparams.nVocab);
  const capture: CaptureRequest = new Map([
    ['attention', range(200)],
    ['moe_expert_out', range(200)],
    ['lm_head', [199]],
  ]);
  const captures = async (
    options: Partial<GpuEngineOptions>,
    preload: boolean,
    all: boolean,
  ): Promise<readonly Capture[]> => {
    const engine = createGpuEngine({ context, model, hparams, ...options });
    if (preload) await engine.preload();
    const result = await forward(engine, hparams, tokens, { capture: all ? captureAll(range(200)) : capture });
    await engine.dispose();
    return result.captures.filter(({ stage }) => capture.has(stage));
  };
  const usual = await captures({}, false, false);
  for (const [name, options, preload, all] of [
    ['every stage captured', {}, false, true],
    ['scores stored', { fuseAttention: false }, false, false],
    ['weights loaded beforehand', {}, true, false],
    ['in chunks of 67', { chunkTokens: 67 }, true, false],
  ] as const) {
    const other = await captures(options, preload, all);
    const differ = usual.filter((captured, i) => {
      const theirs = other[i];
      if (theirs === undefined) return true;
      const [a, b] =
        captured.stage === 'lm_head' && all
          ? [bits(captured), bits(theirs).slice(-hparams.nVocab)]
          : [bits(captured), bits(theirs)];
      return a.join() !== b.join();
    });
    const places = differ.map(({ stage, layer }) => `${stage} ${String(layer)}`).join(', ');
    console.log(`${name}: ${differ.length === 0 ? 'the same bits' : `OTHER BITS in ${places}`}`);
  }
}

/** Isolates every stage of a small model of every type on this adapter, and runs it twice. Prints what is worst. */
export async function checkArm(context: GpuContext): Promise<void> {
  const shape = { nLayer: 2, nEmbd: 512, nHead: 4, nHeadKv: 2, headDim: 128, nExpert: 10, nExpertUsed: 3, nFfExp: 256 };
  for (const type of QUANT_TYPES) {
    const { model, hparams } = await made({ type, shape });
    for (const count of [1, 7, 70]) {
      const tokens = Uint32Array.from({ length: count }, (_, i) => (i * 37 + 11) % hparams.nVocab);
      const engine = createGpuEngine({ context, model, hparams });
      const pairs = await isolateAll(engine, model, hparams, tokens);
      const ratios = pairs
        .filter((pair) => !pair.name.startsWith('moe_router_indices'))
        .map((pair) => ({ name: pair.name, ratio: worstRatio(pair) }))
        .sort((a, b) => b.ratio - a.ratio);
      const all = { capture: captureAll(range(count)) };
      const [first, second] = [
        await forward(engine, hparams, tokens, all),
        await forward(engine, hparams, tokens, all),
      ].map((run) => run.captures.map((captured) => bits(captured).join()).join());
      await engine.dispose();
      const [worst] = ratios;
      const defects = ratios.filter((r) => !(r.ratio <= 1)).map((r) => `${r.name} ${r.ratio}`);
      console.log(
        `${type} ${count}: worst ${worst?.name} ${worst?.ratio.toFixed(3)}, ${first === second ? 'bit-equal' : 'NOT BIT-EQUAL'}`,
        defects.length > 0 ? `DEFECTS ${defects.join('; ')}` : '',
      );
    }
  }
}
