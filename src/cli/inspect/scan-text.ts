import { joined, say, type ShownText } from '../../base/foreign-text';
import { formatBytes, formatCount, plural, rangesText, short } from '../../base/format';
import { SCAN_KINDS, type ScanFinding, type ScanReport } from '../../gguf/scan/scan-model';

/** Whether a scan found what no model that was made on purpose has. */
export function hasAlarm({ findings }: ScanReport): boolean {
  return findings.some(({ kind }) => SCAN_KINDS.some((one) => one.kind === kind && one.alarm));
}

/** A scan for people: a line for each tensor and kind, worst first. */
export function scanText(scan: ScanReport): ShownText {
  const { bytes, seconds, tensors, skipped, findings } = scan;
  const grouped = new Map<string, ScanFinding[]>();
  for (const finding of findings) {
    const key = `${finding.kind} ${finding.tensor}`;
    grouped.set(key, [...(grouped.get(key) ?? []), finding]);
  }
  const lines = [...grouped.values()].map(lineOf);
  const shownOnes = lines.slice(0, MOST_LINES);
  const more = lines.length - shownOnes.length;
  const head = `every block of ${plural(tensors, 'tensor')} read, ${formatBytes(bytes)} in ${short(seconds)} s: ${findings.length === 0 ? 'nothing found' : plural(lines.length, 'finding')}`;
  return joined([
    say`  ${'scan'.padEnd(11)}${head}\n`,
    ...(skipped.length === 0
      ? []
      : [say`    ${plural(skipped.length, 'tensor')} of types that are not known here skipped\n`]),
    ...shownOnes.map((line) => say`    ${line}\n`),
    ...(more > 0 ? [say`    and ${more} more: --json has them all\n`] : []),
  ]);
}

/** Lines of findings; the report has all. */
const MOST_LINES = 100;

/** `NaN: blk.0.ffn_down_exps.weight (Q4_K), expert 5: 1 of 2,048 scales` */
function lineOf(group: readonly ScanFinding[]): string {
  const [first] = group;
  if (first === undefined) return '';
  const { tensor, type, kind } = first;
  const what = SCAN_KINDS.find((one) => one.kind === kind)?.what ?? kind;
  const experts = group.flatMap(({ expert }) => expert ?? []);
  const who = experts.length === 0 ? '' : `, ${experts.length === 1 ? 'expert' : 'experts'} ${rangesText(experts)}`;
  const count = group.reduce((sum, one) => sum + (one.count ?? 0), 0);
  const of = group.reduce((sum, one) => sum + (one.of ?? 0), 0);
  const isFloat = type === 'F32' || type === 'F16' || type === 'BF16';
  const share = of === 0 ? '' : `: ${formatCount(count)} of ${formatCount(of)} ${isFloat ? 'values' : 'scales'}`;
  const values = group.flatMap(({ value }) => value ?? []);
  const same = kind === 'duplicate' ? `: as ${rangesText([...new Set(values)].sort((a, b) => a - b))}` : '';
  const times = kind === 'outlying' ? `, ${short(Math.max(...values))} x the tensor's root mean square` : '';
  return `${what}: ${tensor} (${type})${who}${share}${same}${times}`;
}
