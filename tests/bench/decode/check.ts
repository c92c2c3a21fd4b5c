/* eslint-disable no-console -- a command */
import { createCpuEngine } from '../../../src/cpu/engine/cpu-engine';
import { createInlinePool } from '../../../src/cpu/pool/inline-pool';
import { QUANT_TYPES } from '../../../src/gguf/ggml-types';
import type { DecodeChoice } from '../../../src/fusions/choice';
import type { GpuContext } from '../../../src/gpu/device';
import { ACTIVE_STAGES } from '../../support/stages';
import { bits, captureAll, forward, range } from '../../cpu/support';
import { ownDecoder } from '../../gpu/decode/support';
import { made } from '../../gpu/engine/support';
import { relativeRms } from '../../support/golden';

/** A small model of every type, decoded on this adapter and by the reference, every stage. Prints what is worst, and whether bits repeat. */
export async function checkDecoding(context: GpuContext, choice: DecodeChoice): Promise<void> {
  const shape = { nLayer: 2, nEmbd: 512, nHead: 4, nHeadKv: 2, headDim: 128, nExpert: 10, nExpertUsed: 3, nFfExp: 256 };
  for (const type of QUANT_TYPES) {
    const { model, hparams } = await made({ type, shape });
    const tokens = Uint32Array.from({ length: 4 }, (_, i) => (i * 37 + 11) % hparams.nVocab);
    const cpu = createCpuEngine({ model, hparams, pool: createInlinePool(model) });
    const expected = await forward(cpu, hparams, tokens, { capture: captureAll(range(tokens.length)) });
    const { decoder, dispose } = await ownDecoder(context, model, hparams, choice);
    let worst = { name: '', error: 0 };
    let differ = 0;
    for (const [position, token] of tokens.entries()) {
      const { captures, logits } = await decoder.decode(token, position, {
        capture: { stages: ACTIVE_STAGES },
        logits: true,
      });
      const again = await decoder.decode(token, position, { logits: true });
      if (logits?.some((value, i) => value !== again.logits?.[i]) === true) differ++;
      for (const captured of captures) {
        const reference = expected.captured(captured.stage, captured.layer);
        if (captured.stage === 'attn_scores' || captured.stage === 'attn_softmax') continue;
        const length = captured.data.length;
        const row = reference.data.subarray(position * length, (position + 1) * length);
        const error =
          captured.stage === 'moe_router_indices'
            ? Number(bits(captured).join() !== row.join())
            : relativeRms(captured.data, row);
        if (!(error <= worst.error))
          worst = { name: `${captured.stage} ${String(captured.layer)} at ${position}`, error };
      }
    }
    dispose();
    await cpu.dispose();
    console.log(
      `${type}: worst ${worst.name} ${worst.error.toExponential(1)}${differ > 0 ? `; ${differ} NOT BIT-EQUAL` : ''}`,
    );
  }
}
