import type { TokenPlan } from '../../fusions/plan-token';
import type { GpuContext } from '../device';

/** Words of `step` ahead of the rotary table. */
export const STEP_HEAD = 4;

/** What the kernels of a token pass on to each other, and what they are told of it. */
export interface DecodeBuffers {
  /** The token to embed; the search for the largest logit leaves the next one there. */
  readonly token: GPUBuffer;
  /** Position, splits, keys a split, 0, then (cos, sin) of the position's rotary angles. */
  readonly step: GPUBuffer;
  /** By the plan's name. */
  readonly values: ReadonlyMap<string, GPUBuffer>;
  /** Memory of a cover's own, made when it is first asked for: the same for all layers. */
  scratch(name: string, words: number): GPUBuffer;
  dispose(): void;
}

export function createBuffers(context: GpuContext, { buffers, angles }: TokenPlan): DecodeBuffers {
  const made: GPUBuffer[] = [];
  const make = (label: string, words: number): GPUBuffer => {
    const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
    const buffer = context.allocate(`decode ${label}`, 4 * words, usage);
    made.push(buffer);
    return buffer;
  };
  const scratch = new Map<string, GPUBuffer>();
  return {
    token: make('token', 1),
    step: make('step', STEP_HEAD + (angles?.headDim ?? 0)),
    values: new Map([...buffers].map(([name, words]) => [name, make(name, words)])),
    scratch(name, words) {
      const found = scratch.get(name) ?? make(name, words);
      scratch.set(name, found);
      return found;
    },
    dispose() {
      for (const buffer of made) context.release(buffer);
    },
  };
}
