import type { ModelFile } from '../gguf/model-file';
import { isNear } from '../gguf/model-over';

/** Below this many cores both engines take turns on the same ones wherever they run, and the reference judges as it walks: each weight is read and dequantised once for both. */
const FEWEST_CORES = 4;

/** Whether threads beside the session's own pay: there are cores for them, and they can read the file without fetching it anew. */
export function hasSpareCores(model: ModelFile, cores: number): boolean {
  return cores >= FEWEST_CORES && isNear(model);
}
