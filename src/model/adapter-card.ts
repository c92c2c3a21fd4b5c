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
}

/** What WebGPU says of an adapter. Any of it may be empty: Dawn under Node tells a description, Chromium a vendor and an architecture. */
export type AdapterWords = Pick<AdapterCard, 'vendor' | 'architecture' | 'device' | 'description'>;

const UNNAMED = 'unnamed adapter';

/** All of it, each word once: what tells one adapter from another. */
export function adapterWords({ vendor, architecture, device, description }: AdapterWords): string {
  return [...new Set([vendor, architecture, device, description].filter((word) => word !== ''))].join(' ') || UNNAMED;
}

/** The most telling part of it: what a person calls the adapter. */
export function adapterTitle({ vendor, architecture, device, description }: AdapterWords): string {
  return [description, device, `${vendor} ${architecture}`.trim()].find((text) => text !== '') ?? UNNAMED;
}

/** For the terminal: `nvidia hopper NVIDIA H100`, or `google swiftshader (SOFTWARE adapter)`. */
export function adapterText(adapter: AdapterWords & Pick<AdapterCard, 'isSoftware'>): string {
  return `${adapterWords(adapter)}${adapter.isSoftware ? ' (SOFTWARE adapter)' : ''}`;
}
