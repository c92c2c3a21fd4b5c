import { adapterTitle, type AdapterCard } from '../model/adapter-card';
import { fail } from '../base/errors';

export type AdapterChoice = 'any' | 'hardware' | 'software';

/** The features that MoEscope uses where the adapter has them. None is needed. */
const WANTED_FEATURES: readonly GPUFeatureName[] = ['timestamp-query', 'subgroups'];

/** The limits that are raised to what the adapter allows. Everything else stays at WebGPU's default, which every kernel obeys. */
const RAISED_LIMITS = [
  'maxBufferSize',
  'maxStorageBufferBindingSize',
  'maxStorageBuffersPerShaderStage',
] as const satisfies readonly (keyof GPUSupportedLimits)[];

/** Words by which software rasterisers give themselves away in vendor, architecture, device or description. */
const SOFTWARE_WORDS =
  /swiftshader|llvmpipe|lavapipe|softpipe|swrast|software|basic render|\bwarp\b|\bcpu\b|paravirtual/i;

const NO_WEBGPU_REMEDY =
  'Use a browser with WebGPU (Chrome or Edge 113+, Safari 26+, Firefox 141+), switch hardware acceleration on, and open the page over https or from localhost.';

/**
 * Requests the adapter that was asked for.
 * @throws TracerError `gpu-unavailable` (no adapter at all), `gpu-adapter` (none of the kind asked for).
 */
export async function requestAdapter(gpu: GPU | undefined, choice: AdapterChoice): Promise<GPUAdapter> {
  if (gpu === undefined) {
    throw fail('gpu-unavailable', 'This browser or runtime has no WebGPU.', NO_WEBGPU_REMEDY);
  }
  const fast = await gpu.requestAdapter({ powerPreference: 'high-performance' });
  if (choice !== 'software') {
    if (fast === null) throw noAdapter();
    if (choice === 'hardware' && isSoftware(fast.info)) {
      const name = adapterTitle(fast.info);
      throw fail(
        'gpu-adapter',
        `A hardware adapter was asked for; the only adapter is the software one ${name}.`,
        'Run on a machine with a GPU and its Vulkan, Metal or D3D12 driver, or ask for any adapter.',
        { expected: 'hardware', actual: name },
      );
    }
    return fast;
  }
  if (fast !== null && isSoftware(fast.info)) return fast;
  const fallback = await gpu.requestAdapter({ forceFallbackAdapter: true });
  if (fallback !== null && isSoftware(fallback.info)) return fallback;
  if (fast === null && fallback === null) throw noAdapter();
  throw fail(
    'gpu-adapter',
    'A software adapter was asked for; there is none.',
    'In Node, install Chromium (it brings SwiftShader) or point VK_ICD_FILENAMES at the ICD file of a software Vulkan driver; in a browser, ask for any adapter.',
    { expected: 'software', actual: fast === null ? 'none' : adapterTitle(fast.info) },
  );
}

/** What `requestDevice` is asked for: raised limits and wanted features, or exactly WebGPU's defaults. */
export function deviceDescriptor(adapter: GPUAdapter, limits: 'adapter' | 'default'): GPUDeviceDescriptor {
  if (limits === 'default') return {};
  const requiredLimits: Record<string, number> = {};
  for (const name of RAISED_LIMITS) requiredLimits[name] = adapter.limits[name];
  return { requiredLimits, requiredFeatures: WANTED_FEATURES.filter((f) => adapter.features.has(f)) };
}

/** The adapter, and the features and limits that the device was given. */
export function adapterCard(info: GPUAdapterInfo, device: GPUDevice): AdapterCard {
  const limits: Record<string, number> = {};
  // The limits are getters on the prototype: Object.entries sees nothing.
  for (const name in device.limits) {
    const value: unknown = Reflect.get(device.limits, name);
    if (typeof value === 'number') limits[name] = value;
  }
  return {
    vendor: info.vendor,
    architecture: info.architecture,
    device: info.device,
    description: info.description,
    isSoftware: isSoftware(info),
    features: [...device.features].sort(),
    limits,
  };
}

/** True for SwiftShader, llvmpipe and the like, and for whatever the browser itself calls a fallback. */
export function isSoftware(
  info: Pick<GPUAdapterInfo, 'vendor' | 'architecture' | 'device' | 'description'> & {
    readonly isFallbackAdapter?: boolean;
  },
): boolean {
  if (info.isFallbackAdapter === true) return true;
  return SOFTWARE_WORDS.test([info.vendor, info.architecture, info.device, info.description].join(' '));
}

function noAdapter(): Error {
  return fail(
    'gpu-unavailable',
    'WebGPU found no adapter.',
    `${NO_WEBGPU_REMEDY} In Node, install a Vulkan driver (libvulkan1 and a driver, or Chromium for SwiftShader).`,
  );
}
