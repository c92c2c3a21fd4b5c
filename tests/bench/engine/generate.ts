/* eslint-disable no-console -- a command */
import { createDecoder } from '../../../src/gpu/decode/decoder';
import { tuneDecode } from '../../../src/gpu/decode/tuner';
import type { GpuContext } from '../../../src/gpu/device';
import type { GpuEngine } from '../../../src/gpu/engine/gpu-engine';
import type { HParams } from '../../../src/model/hparams';

/** Going on greedily from a prompt that the engine holds, with the weights that it preloaded: tuned, timed, bare and traced. */
export async function benchGenerate(
  context: GpuContext,
  engine: GpuEngine,
  hparams: HParams,
  position: number,
  count: number,
): Promise<void> {
  const weights = engine.resident();
  if (weights === undefined) throw new Error('--generate needs --preload, and room for all weights');
  const started = performance.now();
  const { choice, tried } = await tuneDecode({ context, hparams, weights });
  const timedMethods = tried.filter(({ us }) => us !== undefined).length;
  console.log(
    `tuner: ${timedMethods} of ${tried.length} methods in ${(performance.now() - started).toFixed(0)} ms: ${JSON.stringify(choice)}`,
  );
  const decoder = await createDecoder({ context, hparams, weights, keys: await engine.keys(), choice });
  const { token, layer } = decoder.dispatches;
  const timed = async (
    what: string,
    stages: readonly ('moe_router' | 'moe_ffn_out')[],
    inFlight: number,
  ): Promise<string> => {
    const start = performance.now();
    const options = { count, inFlight, ...(stages.length === 0 ? {} : { capture: { stages } }) };
    const made = await decoder.generate(7, position, options);
    const rate = (1000 * made.length) / (performance.now() - start);
    console.log(`generate from ${position}, ${what}, ${inFlight} under way: ${rate.toFixed(0)} tokens/s`);
    return made.map((m) => m.token).join();
  };
  console.log(`decoder: ${token} dispatches a token, ${layer} a layer`);
  const first = await timed('warming up', [], 4);
  const seen = new Set([first]);
  for (let round = 0; round < 3; round++) {
    seen.add(await timed('bare', [], 4));
    seen.add(await timed('MoeRouter and MoeFfnOut captured', ['moe_router', 'moe_ffn_out'], 4));
  }
  seen.add(await timed('bare', [], 6));
  console.log(seen.size === 1 ? 'the same tokens each time' : 'THE TOKENS DIFFER');
  // One token, by the decoder and by the engine layer by layer.
  const { logits } = await decoder.decode(7, position, { logits: true });
  await engine.begin(Uint32Array.of(7), position, { capture: new Map() });
  for (let l = 0; l < hparams.nLayer; l++) await engine.layer(l, { capture: new Map() });
  const own = (await engine.end({ capture: new Map([['lm_head', [position]]]) })).captures.get('lm_head')?.data ?? [];
  let error = 0;
  let size = 0;
  for (const [i, x] of own.entries()) {
    error += (x - (logits?.[i] ?? NaN)) ** 2;
    size += x ** 2;
  }
  console.log(`logits of the decoder against the engine's: relative RMS ${Math.sqrt(error / size).toExponential(1)}`);
  decoder.dispose();
}
