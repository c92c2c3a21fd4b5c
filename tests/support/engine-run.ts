import { createCpuEngine } from '../../src/cpu/engine/cpu-engine';
import { createInlinePool } from '../../src/cpu/pool/inline-pool';
import type { Report } from '../../src/divergence/report';
import { createGpuEngine, type GpuEngineOptions } from '../../src/gpu/engine/gpu-engine';
import type { KernelUse } from '../../src/model/kernel-use';
import { runSession } from '../../src/session/run-session';
import { runInput } from './session';

export interface EngineRun extends GpuEngineOptions {
  readonly tokens: readonly number[];
  /** Tokens behind the prompt. */
  readonly decode?: number;
}

/** Traces a prompt by an engine made in some way, in the default mode, every stage; and the kernels that ran. */
export async function runEngine({ tokens, decode = 0, ...options }: EngineRun): Promise<{
  readonly report: Report;
  readonly uses: readonly KernelUse[];
}> {
  const { context, model, hparams } = options;
  const pool = createInlinePool(model);
  const a = createGpuEngine(options);
  const b = createCpuEngine({ model, hparams, pool });
  try {
    const report = await runSession({
      ...runInput(model, hparams),
      spec: {
        tokens,
        decode,
        arms: ['gpu', 'cpu'],
        mode: 'local,free',
        stages: 'all',
        layers: 'all',
        positions: 'all',
      },
      arms: { a, b },
      adapter: context.card,
    });
    return { report, uses: a.kernelUses?.() ?? [] };
  } finally {
    await a.dispose();
    await b.dispose();
    await pool.dispose();
  }
}
