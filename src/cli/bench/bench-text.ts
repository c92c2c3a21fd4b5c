import { joined, NOTHING, say, shownLines, type ShownText } from '../../base/foreign-text';
import { formatCount, plural } from '../../base/format';
import { adapterText } from '../../model/adapter-card';
import { benchFacts, percent, rate } from '../../session/bench-facts';
import type { BenchReport } from '../../session/bench-report';

/** Kernels that are listed; the rest are summed. */
const MOST_KERNELS = 12;

/** A benchmark for people. */
export function benchText(report: BenchReport): ShownText {
  const [model, engine, ...rest] = benchFacts(report);
  const facts: (readonly [string, string])[] = [
    ...[model, engine].flatMap((fact) => (fact === undefined ? [] : [fact])),
    ...(report.adapter === undefined ? [] : [['adapter', adapterText(report.adapter)] as const]),
    ...rest,
  ];
  const lines = facts.map(([name, text]) => say`  ${name.padEnd(11)}${text}\n`);
  return joined([...lines, report.adapter === undefined ? NOTHING : shownLines(kernelText(report.kernels))]);
}

function kernelText(kernels: BenchReport['kernels']): string {
  if (kernels === undefined) return '  kernels    not timed: the adapter has no timestamps\n';
  const shown = kernels.slice(0, MOST_KERNELS);
  const rest = kernels.slice(MOST_KERNELS).reduce((sum, { share }) => sum + share, 0);
  const rows = shown.map(
    ({ kernel, dispatchesPerToken, microsecondsPerToken, share }) =>
      `    ${percent(share).padStart(6)}  ${formatCount(microsecondsPerToken).padStart(8)} us in ${rate(dispatchesPerToken).padStart(5)}  ${kernel}\n`,
  );
  const others =
    rest > 0 ? `    ${percent(rest).padStart(6)}  ${plural(kernels.length - shown.length, 'other')}\n` : '';
  return `  kernels    share of a token's GPU time, each dispatch timed in a pass of its own\n${rows.join('')}${others}`;
}
