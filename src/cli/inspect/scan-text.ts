import { joined, say, type ShownText } from '../../base/foreign-text';
import { plural } from '../../base/format';
import type { ScanReport } from '../../gguf/scan/scan-report';
import { scanHead, scanLines, type ScanLine } from '../../session/scan-lines';

/** A scan for people: a line for each tensor and kind, worst first. */
export function scanText(scan: ScanReport): ShownText {
  const { skipped } = scan;
  const lines = scanLines(scan);
  const shownOnes = lines.slice(0, MOST_LINES).map(textOf);
  const more = lines.length - shownOnes.length;
  return joined([
    say`  ${'scan'.padEnd(11)}${scanHead(scan, lines.length)}\n`,
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
function textOf({ what, tensor, type, experts, share }: ScanLine): string {
  const who = experts === '' ? '' : `, ${/^\d+$/.test(experts) ? 'expert' : 'experts'} ${experts}`;
  return `${what}: ${tensor} (${type})${who}${share === '' ? '' : `: ${share}`}`;
}
