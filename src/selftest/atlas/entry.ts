import { capped, visible } from '../../base/foreign-text';
import { kernelLines, type SelftestReport } from '../selftest-report';

/** Additive changes keep the number. */
export const ATLAS_SCHEMA = 'moescope-atlas-entry/1';
/** Characters of each word or name in an entry. */
export const MOST_CHARS = 160;
/** What stands for a word that the adapter does not tell. */
export const UNTOLD = 'not told';

/** One kernel of one self-test: how many of its cases did what. */
export interface AtlasKernel {
  readonly kernel: string;
  readonly pass: number;
  readonly fail: number;
  /** Not applicable on this adapter, or left out. */
  readonly idle: number;
  /** Largest error / bound; absent where no case has one. */
  readonly worst?: number;
}

/**
 * A self-test as it may be published: the GPU, its driver, what runs WebGPU, and the counts of each kernel. Nothing of the machine besides, of its
 * files or of whose it is; of the date the month alone.
 */
export interface AtlasEntry {
  readonly schema: typeof ATLAS_SCHEMA;
  /** The version of MoEscope. */
  readonly version: string;
  /** `2026-11` */
  readonly month: string;
  readonly vendor: string;
  readonly device: string;
  readonly driver: string;
  readonly software: boolean;
  /** `Dawn in Node`, or a browser and the first number of its version. */
  readonly browser: string;
  readonly kernels: readonly AtlasKernel[];
  /** Its author has read it and agrees to its publication. Required. */
  readonly signedOff: true;
}

/** What a person is asked to agree to. */
export const SIGN_OFF = 'I have read what is in it, and it may be published.';

/** What of a self-test would be in its entry: to be shown before it is written. */
export function atlasEntry({ adapter, browser, created, rows, tool }: SelftestReport): AtlasEntry {
  const [words = '', driver] = splitDriver(adapter.description);
  const device = [words, adapter.device, adapter.architecture].map(anonymous).find((text) => text !== '');
  return {
    schema: ATLAS_SCHEMA,
    version: tool.version,
    month: created.slice(0, 7),
    vendor: told(anonymous(adapter.vendor)),
    device: told(device ?? ''),
    driver: told(anonymous(driver ?? '')),
    software: adapter.isSoftware,
    browser:
      browser === undefined
        ? 'Dawn in Node'
        : told(anonymous(`${browser.name} ${browser.version.split('.')[0] ?? ''}`)),
    kernels: kernelLines(rows).map(({ kernel, counts, worst }) => ({
      kernel,
      pass: counts.pass,
      fail: counts.fail,
      idle: counts['not-applicable'] + counts['left-out'],
      ...(worst === undefined || !Number.isFinite(worst) ? {} : { worst: Number(worst.toPrecision(3)) }),
    })),
    signedOff: true,
  };
}

/** The entry as its file holds it. */
export function atlasText(entry: AtlasEntry): string {
  const { kernels, ...head } = entry;
  const lines = kernels.map((kernel) => `    ${JSON.stringify(kernel)}`).join(',\n');
  return `${JSON.stringify({ ...head, kernels: [] }, undefined, 2).replace('"kernels": []', () => `"kernels": [\n${lines}\n  ]`)}\n`;
}

/** `SwiftShader driver 5.0.0` is a device and its driver. */
function splitDriver(description: string): readonly string[] {
  return description.split(/ driver /i);
}

/** A driver may put anything into its words: paths and addresses are left out. */
function anonymous(text: string): string {
  const words = text.split(/\s+/).filter((word) => /^[^\\/@]+(?:\/[^\\/@]+)?$/.test(word));
  return visible(capped(words.join(' '), MOST_CHARS - 40)).slice(0, MOST_CHARS);
}

function told(text: string): string {
  return text === '' ? UNTOLD : text;
}
