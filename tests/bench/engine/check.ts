/* eslint-disable no-console -- a command */
import type { GpuContext } from '../../../src/gpu/device';
import { createGpuEngine } from '../../../src/gpu/engine/gpu-engine';
import { QUANT_TYPES } from '../../../src/gguf/ggml-types';
import { bits, captureAll, forward, range } from '../../cpu/support';
import { isolateAll, made, worstRatio } from '../../gpu/engine/support';

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
      ].map((run) => run.taps.map((tap) => bits(tap).join()).join());
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
