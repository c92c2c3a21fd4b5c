import type { Report } from '../divergence/report';

/** What a run cost. */
export interface RunCostSeen {
  readonly tokens: number;
  readonly ms: number;
  readonly gpuBytes: number;
}

export function costOf({ timing, memory, run }: Report): RunCostSeen {
  const ms = timing.phases.reduce((sum, phase) => sum + phase.ms, 0);
  return { tokens: Math.max(run.tokens.length, run.tokenTexts?.length ?? 0), ms, gpuBytes: memory.gpuPeakBytes };
}
