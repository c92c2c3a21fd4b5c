import type { LaunchOptions } from '@playwright/test';
import { launchArguments } from '../cli/browser/browser-adapter';
import type { AdapterDemand } from './adapter-demand';
import type { MoescopeOptions } from './settings';

/** What {@link webgpu} gives a project. */
export interface WebgpuUse {
  readonly browserName: 'chromium';
  readonly launchOptions: LaunchOptions;
  readonly moescope: MoescopeOptions;
}

/**
 * The `use` of a Playwright project whose Chromium has WebGPU, on the GPU of the machine or on SwiftShader, and whose tests demand that
 * adapter: `{ name: 'gpu', use: { ...webgpu('hardware'), channel: 'chromium' } }`.
 * @param launch further launch options; arguments are added to those that WebGPU needs
 */
export function webgpu(adapter: AdapterDemand, launch: LaunchOptions = {}): WebgpuUse {
  const [args = []] = launchArguments(adapter === 'software' ? 'software' : 'hardware');
  return {
    browserName: 'chromium',
    launchOptions: { ...launch, args: [...args, ...(launch.args ?? [])] },
    moescope: { adapter },
  };
}
