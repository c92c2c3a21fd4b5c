import { capped, MOST_OF_NAME, visible } from '../base/foreign-text';

/** How an adapter computes where WGSL leaves it open: asked of it once. */
export interface AdapterArithmetic {
  /** Of sums and products: to the nearest f32, ties to even, or otherwise. */
  readonly rounding: 'nearest' | 'other';
  readonly subnormalResults: 'kept' | 'flushed';
  readonly subnormalInputs: 'kept' | 'flushed';
}

/** What is known of the GPU that a run used. Plain data: goes into reports and traces. */
export interface AdapterCard {
  readonly vendor: string;
  readonly architecture: string;
  readonly device: string;
  readonly description: string;
  /** SwiftShader, llvmpipe and the like: always named as such. */
  readonly isSoftware: boolean;
  readonly features: readonly string[];
  readonly limits: Readonly<Record<string, number>>;
  readonly arithmetic?: AdapterArithmetic;
}

/** What WebGPU says of an adapter. Any of it may be empty: Dawn under Node tells a description, Chromium a vendor and an architecture. */
export type AdapterWords = Pick<AdapterCard, 'vendor' | 'architecture' | 'device' | 'description'>;

const UNNAMED = 'unnamed adapter';

/** All of it, each word once: what tells one adapter from another. */
export function adapterWords({ vendor, architecture, device, description }: AdapterWords): string {
  return driverText([...new Set([vendor, architecture, device, description].filter((word) => word !== ''))].join(' '));
}

/** The most telling part of it: what a person calls the adapter. */
export function adapterTitle({ vendor, architecture, device, description }: AdapterWords): string {
  return driverText([description, device, `${vendor} ${architecture}`.trim()].find((text) => text !== '') ?? '');
}

/** As {@link adapterTitle}, without its driver, and by one name in Node and in Chromium: for a line that has no room for more. */
export function shortAdapter(adapter: AdapterWords): string {
  return adapterTitle(adapter)
    .replace(/ driver .*$/, '')
    .replace(/^google swiftshader$/i, 'SwiftShader');
}

/** For the terminal: `nvidia hopper NVIDIA H100`, or `google swiftshader (SOFTWARE adapter)`. */
export function adapterText(adapter: AdapterWords & Pick<AdapterCard, 'isSoftware'>): string {
  return `${adapterWords(adapter)}${adapter.isSoftware ? ' (SOFTWARE adapter)' : ''}`;
}

/** The words of a driver, or of a report that says they are, as a part of a line. */
function driverText(words: string): string {
  return words === '' ? UNNAMED : visible(capped(words, MOST_OF_NAME));
}
