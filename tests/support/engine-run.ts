import { createCpuEngine } from '../../src/cpu/engine/cpu-engine';
import { createInlinePool } from '../../src/cpu/pool/inline-pool';
import type { Report } from '../../src/divergence/report';
import { createGpuEngine, type GpuEngineOptions } from '../../src/gpu/engine/gpu-engine';
import type { KernelUse } from '../../src/model/kernel-use';
import type { Decoder } from '../../src/gpu/decode/decoder';
import { openFastDecode } from '../../src/session/fast-decode';
import { runSession } from '../../src/session/run-session';
import { runInput } from './session';

export interface EngineRun extends GpuEngineOptions {
  readonly tokens: readonly number[];
  /** Tokens behind the prompt. */
  readonly decode?: number;
  readonly thorough?: boolean;
  /** Whether the fast decoder makes them, too. */
  readonly decoder?: boolean;
}

/** Traces a prompt by an engine made in some way, in the default mode, every stage; and the kernels that ran. */
export async function runEngine({
  tokens,
  decode = 0,
  thorough = false,
  decoder = false,
  ...options
}: EngineRun): Promise<{
  readonly report: Report;
  readonly uses: readonly KernelUse[];
}> {
  const { context, model, hparams } = options;
  const pool = createInlinePool(model);
  const a = createGpuEngine(options);
  let made: Decoder | undefined;
  const b = createCpuEngine({ model, hparams, pool });
  try {
    const report = await runSession({
      ...runInput(model, hparams),
      spec: {
        tokens,
        decode,
        thorough,
        engines: ['gpu', 'cpu'],
        mode: 'local,free',
        stages: 'all',
        layers: 'all',
        positions: 'all',
      },
      engines: { a, b },
      adapter: context.card,
      openDecoder: decoder
        ? async () => {
            const fast = await openFastDecode({ context, model, hparams, engine: a, wanted: 'fast', mayLoad: true });
            made = fast.decoder;
            return fast;
          }
        : undefined,
    });
    return { report, uses: a.kernelUses?.() ?? [] };
  } finally {
    made?.dispose();
    await a.dispose();
    await b.dispose();
    await pool.dispose();
  }
}
