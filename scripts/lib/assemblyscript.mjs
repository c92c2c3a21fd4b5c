import { readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ROOT } from './process.mjs';

/** Ends an import of AssemblyScript: `import { base64 } from '../wasm/kernels.ts?assemblyscript'`. */
const QUERY = '?assemblyscript';

/**
 * Compiles an AssemblyScript entry.
 * @param {string} entry below the root
 * @returns {Promise<Uint8Array>} the WebAssembly module
 */
export async function compileAssemblyScript(entry) {
  const { default: asc } = await import('assemblyscript/asc');
  /** @type {Uint8Array | undefined} */
  let binary;
  const { error, stderr } = await asc.main(
    [
      ...[entry, '--baseDir', ROOT, '--outFile', 'module.wasm'],
      // Plain arithmetic in memory that the caller brings: no garbage collector, no traps.
      ...['-O3', '--runtime', 'stub', '--noAssert', '--importMemory', '--initialMemory', '1', '--enable', 'simd'],
    ],
    {
      writeFile: (_name, contents) => {
        if (typeof contents !== 'string') binary = contents;
      },
    },
  );
  if (error !== null || binary === undefined) {
    throw new Error(`${entry} does not compile:\n${stderr.toString()}`, { cause: error });
  }
  return binary;
}

/**
 * Vite: an import of a `.ts` file with `?assemblyscript` gives the compiled module as base64, so that workers, pages and Node need no
 * second file to load.
 * @returns {import('vite').Plugin}
 */
export function assemblyScript() {
  return {
    name: 'assemblyscript',
    enforce: 'pre',
    async load(id) {
      if (!id.endsWith(QUERY)) return undefined;
      const entry = id.slice(0, -QUERY.length);
      const folder = dirname(entry);
      for (const file of readdirSync(folder)) if (file.endsWith('.ts')) this.addWatchFile(join(folder, file));
      const binary = await compileAssemblyScript(entry.startsWith(ROOT) ? entry.slice(ROOT.length + 1) : entry);
      return `export const base64 = ${JSON.stringify(Buffer.from(binary).toString('base64'))};`;
    },
  };
}
