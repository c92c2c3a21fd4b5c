import type { Report } from '../divergence/report';
import type { StepResult } from '../model/engine';
import type { StepName } from './step-captures';

/** Where a run's time and bytes went. */
export class TimeBook {
  readonly #phases = new Map<string, { ms: number; bytes: number }>();
  readonly #layers = new Map<number, { gpuMs: number; cpuMs: number; readBytes: number }>();

  /** @param side an engine, or `isolated` */
  add(step: StepName, side: string, result: Pick<StepResult, 'ms' | 'bytesRead'>): void {
    this.#phase(side, result.ms, result.bytesRead);
    if (typeof step !== 'number') return;
    const layer = this.#layers.get(step) ?? { gpuMs: 0, cpuMs: 0, readBytes: 0 };
    if (side === 'gpu') layer.gpuMs += result.ms;
    if (side.startsWith('cpu') || side === 'exact-gpu') layer.cpuMs += result.ms;
    layer.readBytes += result.bytesRead;
    this.#layers.set(step, layer);
  }

  addCompare(ms: number): void {
    this.#phase('compare', ms, 0);
  }

  /** Tokens a second of the free-running candidate; the two engines share the machine, so it is no benchmark. */
  timing(nTokens: number): Report['timing'] {
    const gpuMs = this.#phases.get('gpu')?.ms ?? 0;
    return {
      phases: [...this.#phases].map(([name, { ms, bytes }]) => ({ name, ms, bytes })),
      perLayer: [...this.#layers].map(([layer, times]) => ({ layer, ...times })),
      ...(gpuMs > 0 ? { tokensPerSecond: (nTokens * 1000) / gpuMs } : {}),
    };
  }

  #phase(name: string, ms: number, bytes: number): void {
    const phase = this.#phases.get(name) ?? { ms: 0, bytes: 0 };
    phase.ms += ms;
    phase.bytes += bytes;
    this.#phases.set(name, phase);
  }
}
