import type { Page } from '@playwright/test';
import { fail } from '../base/errors';
import { pageAdapter } from '../cli/browser/browser-adapter';
import { isSoftware } from '../gpu/adapter';
import { adapterWords, type AdapterCard, type AdapterWords } from '../model/adapter-card';

/** A particular adapter: words as WebGPU gives them, capitals aside; what is left out may be anything. */
export interface NamedAdapter {
  /** `nvidia`, `amd`, `intel`, `apple`, `qualcomm`, `google` (SwiftShader) ... */
  readonly vendor?: string;
  /** `ampere`, `rdna-3`, `swiftshader` ... */
  readonly architecture?: string;
  /** A part of the description. */
  readonly description?: string;
}

/** Which GPU a run demands. One that does not find it fails; it is never skipped. */
export type AdapterDemand = 'any' | 'hardware' | 'software' | NamedAdapter;

type KnownAdapter = AdapterWords & Pick<AdapterCard, 'isSoftware'>;

/** @throws TracerError `gpu-unavailable` (the page has no adapter), `gpu-adapter` (it has another one) */
export async function checkPage(page: Page, demand: AdapterDemand): Promise<void> {
  const info = await pageAdapter(page);
  if (info !== undefined) {
    checkAdapter({ ...info, isSoftware: isSoftware(info) }, demand);
    return;
  }
  throw fail(
    'gpu-unavailable',
    `This browser finds no WebGPU adapter; the test demands ${demandText(demand)}.`,
    "Launch Chromium with the options of webgpu(), and see docs/ci.md for what the machine needs. Playwright's headless shell has no hardware GPU: use channel 'chromium'.",
    { expected: demandText(demand), actual: 'none' },
  );
}

/** @throws TracerError `gpu-adapter` */
export function checkAdapter(adapter: KnownAdapter, demand: AdapterDemand): void {
  if (fits(adapter, demand)) return;
  const actual = `${adapterWords(adapter)}${adapter.isSoftware ? ' (software)' : ''}`;
  throw fail(
    'gpu-adapter',
    `The test demands ${demandText(demand)}; the browser has ${actual}.`,
    'Run it on a machine with that GPU and its driver, or demand another one.',
    { expected: demandText(demand), actual },
  );
}

function fits(adapter: KnownAdapter, demand: AdapterDemand): boolean {
  switch (demand) {
    case 'any':
      return true;
    case 'hardware':
      return !adapter.isSoftware;
    case 'software':
      return adapter.isSoftware;
    default: {
      const { vendor, architecture, description } = demand;
      const same = (word: string | undefined, actual: string): boolean =>
        word === undefined || word.toLowerCase() === actual.toLowerCase();
      return (
        same(vendor, adapter.vendor) &&
        same(architecture, adapter.architecture) &&
        (description === undefined || adapter.description.toLowerCase().includes(description.toLowerCase()))
      );
    }
  }
}

function demandText(demand: AdapterDemand): string {
  if (typeof demand === 'string') return demand === 'any' ? 'any adapter' : `a ${demand} adapter`;
  const words = Object.entries(demand).map(([name, word]) => `${name} ${String(word)}`);
  return `an adapter of ${words.join(', ')}`;
}
