import type { Page } from 'playwright-core';
import { fail } from '../../base/errors';
import { isSoftware } from '../../gpu/adapter';
import { adapterTitle } from '../../model/adapter-card';
import type { TraceRequest } from '../trace/request';

/** What keeps a headless Chromium to itself. */
export const QUIET_ARGUMENTS: readonly string[] = [
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];
const BASE_ARGUMENTS: readonly string[] = [...QUIET_ARGUMENTS, '--enable-unsafe-webgpu'];
const HARDWARE: readonly string[] = [...BASE_ARGUMENTS, '--enable-features=Vulkan', '--ignore-gpu-blocklist'];
const SOFTWARE: readonly string[] = [...BASE_ARGUMENTS, '--use-webgpu-adapter=swiftshader'];

/** Chromium's arguments, one list a try: for `any` the machine's GPU first, then the software one. */
export function launchArguments(adapter: TraceRequest['adapter']): readonly (readonly string[])[] {
  switch (adapter) {
    case 'hardware':
      return [HARDWARE];
    case 'software':
      return [SOFTWARE];
    case 'any':
      return [HARDWARE, SOFTWARE];
  }
}

/** What WebGPU says of an adapter. */
export interface PageAdapter {
  readonly vendor: string;
  readonly architecture: string;
  readonly device: string;
  readonly description: string;
  readonly isFallbackAdapter: boolean;
}

/** The adapter that the page would use; undefined where the browser has none, or no WebGPU. */
export function pageAdapter(page: Page): Promise<PageAdapter | undefined> {
  return page.evaluate(async () => {
    // Undefined in a browser without WebGPU, whatever the types say.
    const gpu: typeof navigator.gpu | undefined = navigator.gpu;
    const adapter = await gpu?.requestAdapter({ powerPreference: 'high-performance' });
    if (!adapter) return undefined;
    const { vendor, architecture, device, description, isFallbackAdapter } = adapter.info;
    return { vendor, architecture, device, description, isFallbackAdapter };
  });
}

/**
 * Whether the page has an adapter of the kind asked for. A missing one is an error on the last try only.
 * @throws TracerError `gpu-unavailable`, `gpu-adapter`
 */
export async function checkPageAdapter(page: Page, wanted: TraceRequest['adapter'], isLast: boolean): Promise<boolean> {
  const info = await pageAdapter(page);
  if (info === undefined) {
    if (!isLast) return false;
    throw fail(
      'gpu-unavailable',
      'Chromium finds no WebGPU adapter.',
      'Install a GPU driver with Vulkan, or use --adapter software.',
      { wanted },
    );
  }
  if (wanted === 'hardware' && isSoftware(info)) {
    throw fail(
      'gpu-adapter',
      `A hardware adapter was asked for; Chromium's only adapter is the software one ${adapterTitle(info)}.`,
      'Run on a machine with a GPU and its driver, or ask for any adapter.',
      { expected: 'hardware', actual: info.architecture },
    );
  }
  return true;
}
