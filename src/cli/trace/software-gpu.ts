import { anySwiftshaderIcd } from '../../../scripts/lib/chromium.mjs';
import type { TraceRequest } from './request';

/**
 * Lets the Vulkan loader find the SwiftShader that an installed Chromium brings: alone when a software adapter is asked for, beside the
 * machine's own drivers for `any`, not at all for `hardware`. A driver that the environment names is left alone. Call before Dawn's
 * instance is made.
 */
export function offerSoftwareGpu(adapter: TraceRequest['adapter']): void {
  const { env } = process;
  const isChosen = env['VK_ICD_FILENAMES'] !== undefined || env['VK_DRIVER_FILES'] !== undefined;
  if (process.platform !== 'linux' || adapter === 'hardware' || isChosen) return;
  const icd = anySwiftshaderIcd();
  if (icd === undefined) return;
  // The loader of Vulkan 1.3.234 and newer adds drivers to those it finds; an older one ignores the name.
  env[adapter === 'software' ? 'VK_ICD_FILENAMES' : 'VK_ADD_DRIVER_FILES'] = icd;
}
