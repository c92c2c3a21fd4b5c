import { existsSync } from 'node:fs';
import { create, globals } from 'webgpu';

/** Where Chromium and Chrome keep the Vulkan driver file of their SwiftShader. */
const SWIFTSHADER_ICD_FILES: readonly string[] = [
  '/usr/lib/chromium/vk_swiftshader_icd.json',
  '/usr/lib/chromium-browser/vk_swiftshader_icd.json',
  '/usr/lib64/chromium-browser/vk_swiftshader_icd.json',
  '/opt/google/chrome/vk_swiftshader_icd.json',
];

/** Dawn crashes when the object that `create` returns is collected while a device lives: it is kept here for ever. */
let kept: GPU | undefined;

/** The WebGPU entry point of Node (Dawn). Puts GPUBufferUsage and the other globals of a browser in place. */
export function nodeGpu(): GPU {
  if (kept === undefined) {
    for (const [name, value] of Object.entries(globals)) Reflect.set(globalThis, name, value);
    kept = create([]);
  }
  return kept;
}

/**
 * Makes the Vulkan loader find the SwiftShader that Chromium brings, unless the environment already names drivers. Call before the
 * first {@link nodeGpu}. Returns the driver file now in use, or undefined when there is none to find.
 */
export function useSwiftShader(): string | undefined {
  const named = process.env['VK_ICD_FILENAMES'] ?? process.env['VK_DRIVER_FILES'];
  if (named !== undefined && named !== '') return named;
  const found = SWIFTSHADER_ICD_FILES.find((file) => existsSync(file));
  if (found !== undefined) process.env['VK_ICD_FILENAMES'] = found;
  return found;
}
