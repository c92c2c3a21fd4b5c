import type { CpuPool } from '../cpu/pool/cpu-pool';
import type { Report } from '../divergence/report';
import type { ModelFile } from '../gguf/model-file';
import type { TuningStore } from '../gpu/decode/tuner';
import type { GpuContext } from '../gpu/device';

/** What differs between the page and Node: where a GPU and worker threads come from. */
export interface Host {
  readonly runtime: Report['runtime'];
  readonly browser?: Report['browser'];
  /** Opens a device; the session disposes it. @throws TracerError `gpu-unavailable`, `gpu-adapter`. */
  openGpu(): Promise<GpuContext>;
  /** Starts the reference's workers for a model; the session disposes them. */
  createPool(model: ModelFile): CpuPool;
  /** Where the decoder's tuning is kept from one process to the next. */
  readonly tuning?: TuningStore;
}
