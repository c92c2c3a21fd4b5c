import { joined, say, type ShownText } from '../../base/foreign-text';
import { formatBytes } from '../../base/format';
import { adapterText, type AdapterCard } from '../../model/adapter-card';
import type { AdapterFinding, Examination } from './examine';

/** Features that choose kernels or measurements, and what goes without each. */
const FEATURES: readonly (readonly [feature: string, without: string])[] = [
  ['shader-f16', 'no f16 kernels'],
  ['subgroups', 'kernels add through workgroup memory'],
  ['timestamp-query', 'bench does not time single kernels'],
];
/** Limits that decide which models run, in bytes. */
const LIMITS = ['maxBufferSize', 'maxStorageBufferBindingSize', 'maxComputeWorkgroupStorageSize'] as const;

/** An examination for people, as text that can be copied into a report. */
export function doctorText({ tool, machine, adapters, devices, chromium }: Examination): ShownText {
  const { platform, node, cores, memoryBytes } = machine;
  const browser =
    chromium.why === undefined
      ? say`${chromium.path ?? ''} (--runtime browser, --png)`
      : say`not usable: ${chromium.why}`;
  return joined([
    say`MoEscope ${tool.version} (${tool.commit}), Node ${node} on ${platform}, ${cores} cores, ${formatBytes(memoryBytes)}\n\n`,
    ...adapters.map(findingText),
    ...devices.map(({ backend, name }, i) => say`  --device ${i + 1}  ${name} (${backend})\n`),
    say`  chromium  ${browser}\n\n${whatRuns(adapters)}\n`,
  ]);
}

function findingText({ kind, adapter, why = '', remedy = '' }: AdapterFinding): ShownText {
  if (adapter === undefined) return say`  ${kind}  none: ${why}\n            ${remedy}\n`;
  return joined([say`  ${kind}  ${adapterText(adapter)}\n`, ...featureLines(adapter), ...limitLines(adapter)]);
}

function featureLines({ features }: AdapterCard): readonly ShownText[] {
  return FEATURES.map(([name, without]) =>
    features.includes(name) ? say`            ${name}\n` : say`            no ${name}: ${without}\n`,
  );
}

function limitLines({ limits }: AdapterCard): readonly ShownText[] {
  return LIMITS.map((name) => say`            ${name} ${formatBytes(limits[name] ?? 0)}\n`);
}

/** What `trace` would run on, in a sentence. */
function whatRuns(adapters: readonly AdapterFinding[]): string {
  const found = (kind: AdapterFinding['kind']): AdapterCard | undefined =>
    adapters.find((a) => a.kind === kind)?.adapter;
  const [hardware, software] = [found('hardware'), found('software')];
  if (hardware !== undefined) return `RUNS: trace, bench and selftest run on ${adapterText(hardware)}.`;
  if (software !== undefined) {
    return `RUNS: trace and selftest run on ${adapterText(software)}; --adapter hardware is refused, and speeds say nothing of a GPU.`;
  }
  return 'NO ADAPTER: only the reference runs here (--engines exact), and what needs no GPU: inspect, diff, merge, serve.';
}
