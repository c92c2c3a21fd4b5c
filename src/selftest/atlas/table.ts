import type { AtlasEntry, AtlasKernel } from './entry';

/** A GPU, its driver and what runs WebGPU there, over all entries of them. */
export interface AtlasLine extends Pick<AtlasEntry, 'vendor' | 'device' | 'driver' | 'software' | 'browser'> {
  readonly entries: number;
  /** From the first to the last month, and the versions of MoEscope. */
  readonly months: readonly [first: string, last: string];
  readonly versions: readonly string[];
  readonly kernels: ReadonlyMap<string, AtlasKernel>;
}

export interface Atlas {
  /** In the order of the self-test. */
  readonly kernels: readonly string[];
  /** By vendor, device, driver and browser. */
  readonly lines: readonly AtlasLine[];
  readonly entries: number;
}

/** Entries side by side: vendor x driver x browser x kernel. What fails in one entry of a line fails in the line. */
export function atlasOf(entries: readonly AtlasEntry[]): Atlas {
  const groups = new Map<string, AtlasEntry[]>();
  for (const entry of entries) {
    const key = JSON.stringify([entry.vendor, entry.device, entry.driver, entry.browser, entry.software]);
    groups.set(key, [...(groups.get(key) ?? []), entry]);
  }
  const sorted = [...groups].sort(([a], [b]) => (a < b ? -1 : 1));
  return {
    kernels: [...new Set(entries.flatMap(({ kernels }) => kernels.map(({ kernel }) => kernel)))],
    lines: sorted.flatMap(([, group]) => lineOf(group) ?? []),
    entries: entries.length,
  };
}

function lineOf(group: readonly AtlasEntry[]): AtlasLine | undefined {
  const [first] = group;
  if (first === undefined) return undefined;
  const months = group.map(({ month }) => month).sort();
  const kernels = new Map<string, AtlasKernel>();
  for (const { kernels: own } of group)
    for (const one of own) kernels.set(one.kernel, sum(one, kernels.get(one.kernel)));
  const { vendor, device, driver, software, browser, month } = first;
  return {
    vendor,
    device,
    driver,
    software,
    browser,
    entries: group.length,
    months: [months[0] ?? month, months.at(-1) ?? month],
    versions: [...new Set(group.map(({ version }) => version))].sort(),
    kernels,
  };
}

function sum(a: AtlasKernel, b: AtlasKernel | undefined): AtlasKernel {
  if (b === undefined) return a;
  const ratios = [a.worst, b.worst].filter((worst) => worst !== undefined);
  return {
    kernel: a.kernel,
    pass: a.pass + b.pass,
    fail: a.fail + b.fail,
    idle: a.idle + b.idle,
    ...(ratios.length === 0 ? {} : { worst: Math.max(...ratios) }),
  };
}
