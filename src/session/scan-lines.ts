import { formatBytes, formatCount, plural, rangesText, short } from '../base/format';
import { SCAN_KINDS, type ScanFinding, type ScanReport } from '../gguf/scan/scan-report';

export type { ScanReport } from '../gguf/scan/scan-report';

/** What a scan found of one kind in one tensor, in words. */
export interface ScanLine {
  /** `NaN`, `all zero`. */
  readonly what: string;
  /** No model that was made on purpose has it. */
  readonly alarm: boolean;
  readonly tensor: string;
  readonly type: string;
  /** `3, 5..7`; empty for a tensor without experts. */
  readonly experts: string;
  /** `1 of 2,048 scales`, `as 0`, `300 x the tensor's root mean square`; empty where it is the whole that is so. */
  readonly share: string;
}

/** Whether a scan found what no model that was made on purpose has. */
export function hasAlarm({ findings }: ScanReport): boolean {
  return findings.some(({ kind }) => SCAN_KINDS.some((one) => one.kind === kind && one.alarm));
}

/** A line for each tensor and kind, worst first. */
export function scanLines({ findings }: ScanReport): readonly ScanLine[] {
  const grouped = new Map<string, ScanFinding[]>();
  for (const finding of findings) {
    const key = `${finding.kind} ${finding.tensor}`;
    const group = grouped.get(key);
    if (group === undefined) grouped.set(key, [finding]);
    else group.push(finding);
  }
  return [...grouped.values()].flatMap(lineOf);
}

/** `every block of 27 tensors read, 1.8 MB in 0.1 s: nothing found` */
export function scanHead({ bytes, seconds, tensors }: ScanReport, lines: number): string {
  const found = lines === 0 ? 'nothing found' : plural(lines, 'finding');
  return `every block of ${plural(tensors, 'tensor')} read, ${formatBytes(bytes)} in ${short(seconds)} s: ${found}`;
}

function lineOf(group: readonly ScanFinding[]): readonly ScanLine[] {
  const [first] = group;
  if (first === undefined) return [];
  const { tensor, type, kind } = first;
  const spec = SCAN_KINDS.find((one) => one.kind === kind);
  const experts = rangesText(group.flatMap(({ expert }) => expert ?? []));
  return [{ what: spec?.what ?? kind, alarm: spec?.alarm ?? true, tensor, type, experts, share: shareOf(group, kind) }];
}

function shareOf(group: readonly ScanFinding[], kind: ScanFinding['kind']): string {
  const count = group.reduce((sum, one) => sum + (one.count ?? 0), 0);
  const of = group.reduce((sum, one) => sum + (one.of ?? 0), 0);
  const type = group[0]?.type;
  const isFloat = type === 'F32' || type === 'F16' || type === 'BF16';
  const values = group.flatMap(({ value }) => value ?? []);
  const parts = [
    of === 0 ? '' : `${formatCount(count)} of ${formatCount(of)} ${isFloat ? 'values' : 'scales'}`,
    kind === 'duplicate' ? `as ${rangesText([...new Set(values)].sort((a, b) => a - b))}` : '',
    kind === 'outlying' ? `${short(Math.max(...values))} x the tensor's root mean square` : '',
  ];
  return parts.filter((part) => part !== '').join(', ');
}
