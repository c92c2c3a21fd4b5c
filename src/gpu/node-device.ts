import { existsSync } from 'node:fs';
import { create, globals } from 'webgpu';

/** Where Chromium and Chrome keep the Vulkan driver file of their SwiftShader. */
const SWIFTSHADER_ICD_FILES: readonly string[] = [
  '/usr/lib/chromium/vk_swiftshader_icd.json',
  '/usr/lib/chromium-browser/vk_swiftshader_icd.json',
  '/usr/lib64/chromium-browser/vk_swiftshader_icd.json',
  '/opt/google/chrome/vk_swiftshader_icd.json',
];

/**
 * Dawn crashes when the object that `create` returns is collected while a device lives: they are kept here for ever, by the device that was asked
 * for and the drivers that the Vulkan loader was pointed at: one that found no driver finds none later.
 */
const kept = new Map<string, GPU>();

/** The WebGPU entry point of Node (Dawn). `device` is a part of an adapter's name; empty: any. Puts GPUBufferUsage and the other globals of a browser in place. */
export function nodeGpu(device = ''): GPU {
  const key = JSON.stringify([device, vulkanDrivers()]);
  const before = kept.get(key);
  if (before !== undefined) return before;
  for (const [name, value] of Object.entries(globals)) Reflect.set(globalThis, name, value);
  const gpu = create(device === '' ? [] : [`adapter=${device}`]);
  kept.set(key, gpu);
  return gpu;
}

/** An adapter as Dawn names it. */
export interface NamedAdapter {
  /** `vulkan`, `metal`, `d3d12` ... */
  readonly backend: string;
  readonly name: string;
}

/** No adapter has this name: Dawn tells which there are when it is asked for one that there is not. */
const NO_ADAPTER = 'moescope asks for the list';

/** Every adapter that Dawn finds, in its order. Empty where it finds none, or tells in words that are not known here. */
export async function nodeAdapters(): Promise<readonly NamedAdapter[]> {
  const told = await nodeGpu(NO_ADAPTER)
    .requestAdapter()
    .then(
      () => '',
      (error: unknown) => String(error),
    );
  const lines = told.matchAll(/^ \* backend: '([^']*)', name: '(.*)'$/gm);
  return [...lines].map(([, backend = '', name = '']) => ({ backend, name }));
}

/**
 * Makes the Vulkan loader find the SwiftShader that Chromium brings, unless the environment already names drivers. Call before the
 * first {@link nodeGpu}. Returns the driver file now in use, or undefined when there is none to find.
 */
export function useSwiftShader(): string | undefined {
  const named = vulkanDrivers();
  if (named !== undefined && named !== '') return named;
  const found = SWIFTSHADER_ICD_FILES.find((file) => existsSync(file));
  if (found !== undefined) process.env['VK_ICD_FILENAMES'] = found;
  return found;
}

function vulkanDrivers(): string | undefined {
  return process.env['VK_ICD_FILENAMES'] ?? process.env['VK_DRIVER_FILES'];
}
