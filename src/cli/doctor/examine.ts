import { availableParallelism, totalmem } from 'node:os';
import { findChromium } from '../../../scripts/lib/chromium.mjs';
import { reasonOf, toErrorData } from '../../base/errors';
import { TOOL } from '../../base/version';
import type { NamedAdapter } from '../../gpu/node-device';
import type { AdapterCard } from '../../model/adapter-card';
import { nodeHost } from '../trace/node-runtime';

/** One kind of adapter: the card, or why there is none. */
export interface AdapterFinding {
  readonly kind: 'hardware' | 'software';
  readonly adapter?: AdapterCard;
  readonly why?: string;
  readonly remedy?: string;
}

/** What `moescope doctor` finds. Additive changes keep the number. */
export interface Examination {
  readonly schema: 'moescope-doctor/1';
  readonly tool: typeof TOOL;
  readonly machine: {
    readonly platform: string;
    readonly node: string;
    readonly cores: number;
    readonly memoryBytes: number;
  };
  /** By Dawn under Node: what `--runtime node` would use. */
  readonly adapters: readonly AdapterFinding[];
  /** All that Dawn finds, by the names that `--device` takes. */
  readonly devices: readonly NamedAdapter[];
  readonly chromium: { readonly path?: string; readonly driver: boolean; readonly why?: string };
}

/** Looks at this machine. Fails at nothing: what is missing is a finding. */
export async function examine(): Promise<Examination> {
  const adapters: AdapterFinding[] = [];
  // Hardware first: to look for software points the Vulkan loader at it.
  for (const kind of ['hardware', 'software'] as const) adapters.push(await findAdapter(kind));
  return {
    schema: 'moescope-doctor/1',
    tool: TOOL,
    machine: {
      platform: `${process.platform}-${process.arch}`,
      node: process.version,
      cores: availableParallelism(),
      memoryBytes: totalmem(),
    },
    adapters,
    // Software is offered by now.
    devices: await import('../../gpu/node-device').then(
      ({ nodeAdapters }) => nodeAdapters(),
      () => [],
    ),
    chromium: await findBrowser(),
  };
}

async function findAdapter(kind: AdapterFinding['kind']): Promise<AdapterFinding> {
  try {
    const context = await nodeHost({ adapter: kind }).openGpu();
    const { card } = context;
    context.dispose();
    return { kind, adapter: card };
  } catch (error) {
    const { message, remedy } = toErrorData(error);
    return { kind, why: message, remedy };
  }
}

async function findBrowser(): Promise<Examination['chromium']> {
  const path = findChromium();
  const driver = await import('playwright-core').then(() => undefined, driverReason);
  const why =
    driver ?? (path === undefined ? 'no Chromium or Chrome was found (CHROME_PATH, PATH, Playwright)' : undefined);
  return {
    ...(path === undefined ? {} : { path }),
    driver: driver === undefined,
    ...(why === undefined ? {} : { why }),
  };
}

/** Why Playwright's driver is not there. */
export function driverReason(error: unknown): string {
  const isAbsent = error instanceof Error && 'code' in error && error.code === 'ERR_MODULE_NOT_FOUND';
  return isAbsent
    ? 'playwright-core is not installed beside MoEscope: npm install playwright-core'
    : `playwright-core cannot be loaded: ${reasonOf(error)}`;
}
