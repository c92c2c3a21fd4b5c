import { decodeNpy, type NpyArray } from './npy';
import { readZip } from './zip';

/** Arrays by name, as `np.load` shows them. */
export type NpzArrays = ReadonlyMap<string, NpyArray>;

/** Reads an `.npz` file, stored or compressed; entries that are not `.npy` are left out. @throws TracerError `trace-format`. */
export function decodeNpz(bytes: Uint8Array, place: string): NpzArrays {
  const arrays = new Map<string, NpyArray>();
  const files = readZip(bytes, place);
  for (const path of files.keys()) {
    if (!path.endsWith('.npy')) continue;
    arrays.set(path.slice(0, -4), decodeNpy(files.get(path) ?? new Uint8Array(0), `${place}: ${path}`));
  }
  return arrays;
}
