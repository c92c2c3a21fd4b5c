import { byModule } from './array-names';
import { readNamedArrays } from './named-arrays';
import { openNpy } from './npy';
import type { ReadFiles } from './trace-files';
import type { FileTree } from './zip';

const EXTENSION = '.npy';

/** Whole-model stages are called in other trees as modules are: only these names are modules' alone. */
const MODULE = /^(?:model\.)*(?:model\.\w|layers\.\d)/;

/** Whether the files are arrays by the names of modules: `model.layers.3.mlp.npy`. */
export function isModuleTree(files: FileTree): boolean {
  return [...files.keys()].some(
    (path) => path.endsWith(EXTENSION) && MODULE.test(nameOf(path)) && byModule(nameOf(path)) !== undefined,
  );
}

/** Reads a dump with one array a module's output. @throws TracerError `trace-format` naming the file */
export function readModuleTree(files: FileTree, place: string): ReadFiles {
  const paths = [...files.keys()];
  const arrays = paths
    .filter((path) => path.endsWith(EXTENSION))
    .map((path) => ({
      name: nameOf(path),
      path,
      open: () => openNpy(files.get(path) ?? new Uint8Array(0), `${place}: ${path}`),
    }));
  return readNamedArrays(arrays, { place, ignored: paths.filter((path) => !path.endsWith(EXTENSION)) });
}

function nameOf(path: string): string {
  return (path.split('/').at(-1) ?? path).slice(0, -EXTENSION.length);
}
