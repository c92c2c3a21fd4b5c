import { fail } from '../../base/errors';
import type { LiveBackend } from '../../model/live';

/*
 * Where the live engine comes from: npm's prebuilt llama.cpp (MIT), and the package that calls it (koffi, MIT). Neither is a dependency of
 * this package: `moescope setup llama.cpp` installs the two of this platform.
 */

/** Version of the `@node-llama-cpp/*` packages: llama.cpp 0.5.0. */
export const LIBRARY_VERSION = '3.22.1';
/** Version of koffi and of its prebuilt half. */
export const FFI_VERSION = '3.3.4';

/** Prebuilt llama.cpp of each back end, by platform. */
const PREBUILT: Readonly<Record<LiveBackend, readonly string[]>> = {
  cpu: [
    'linux-x64',
    'linux-arm64',
    'linux-armv7l',
    'linux-riscv64',
    'mac-x64',
    'mac-arm64-metal',
    'win-x64',
    'win-arm64',
  ],
  vulkan: ['linux-x64-vulkan', 'linux-arm64-vulkan', 'win-x64-vulkan'],
  cuda: ['linux-x64-cuda', 'win-x64-cuda'],
  metal: ['mac-arm64-metal'],
};

/** What of `process` decides which packages fit. */
export interface Platform {
  readonly platform: string;
  readonly arch: string;
}

const OS: Readonly<Record<string, string>> = { darwin: 'mac', win32: 'win' };

/** The package of prebuilt libraries for a back end, `@node-llama-cpp/linux-x64-vulkan`; undefined where there is none. */
export function libraryPackage(backend: LiveBackend, { platform, arch }: Platform): string | undefined {
  const base = `${OS[platform] ?? platform}-${arch}`;
  const known = PREBUILT[backend].find(
    (name) => name === base || name === `${base}-${backend}` || (backend === 'cpu' && name === `${base}-metal`),
  );
  return known === undefined ? undefined : `@node-llama-cpp/${known}`;
}

/** What npm is asked to install for these back ends, versions pinned. @throws TracerError `engine-missing` where npm has no build for one */
export function packagesToInstall(backends: readonly LiveBackend[], machine: Platform): readonly string[] {
  const libraries = backends.map((backend) => {
    const name = libraryPackage(backend, machine);
    if (name === undefined) throw noBuild(backend, machine);
    return `${name}@${LIBRARY_VERSION}`;
  });
  const native = `@koromix/koffi-${machine.platform}-${machine.arch}`;
  return [...new Set([...libraries, `koffi@${FFI_VERSION}`, `${native}@${FFI_VERSION}`])];
}

/** `engine-missing`: npm carries no llama.cpp of this kind. */
export function noBuild(backend: LiveBackend, { platform, arch }: Platform): Error {
  return fail(
    'engine-missing',
    `npm has no prebuilt llama.cpp with ${backend} for ${platform}-${arch}.`,
    'Build llama.cpp as shared libraries and name its folder with --lib, or choose another back end.',
    { backend, platform: `${platform}-${arch}` },
  );
}
