import { joined, say, shownLines, type ShownText } from '../../base/foreign-text';
import { formatMetric, plural } from '../../base/format';
import type { AprStageDiff } from '../../divergence/apr-stage-diff';
import type { TraceComparison } from '../../divergence/compare-traces';
import { stageTable } from '../trace/report-text';

/** A comparison of saved traces for people. */
export function diffText(comparison: TraceComparison, pathA: string, pathB: string): ShownText {
  const { run, verdict, rows, notes } = comparison;
  const compared = rows.filter((row) => row.count > 0);
  const stages = new Set(compared.map((row) => row.stage)).size;
  const facts = [
    ['A', `${run.arms[0] ?? ''} of ${pathA}`],
    ['B', `${run.arms[1] ?? ''} of ${pathB}`],
    [
      'compared',
      `${plural(run.layers.length, 'layer')}, ${plural(stages, 'stage')}, ${plural(run.positions.length, 'position')}, mode ${run.mode}`,
    ],
    ...notes.map((note) => ['note', note]),
  ];
  const lines = facts.map(([name = '', text = '']) => say`  ${name.padEnd(9)}${text}\n`);
  return say`${verdict.sentence}\n\n${joined(lines)}\n${stageTable(rows)}`;
}

/** The diff of two APRT files for people. */
export function aprDiffText(diff: AprStageDiff): ShownText {
  const top = diff.top_diffs.map(
    ({ index, a, b, abs_diff }) =>
      `  ${String(index).padStart(9)}  ${String(a)}  ${String(b)}  ${formatMetric(abs_diff)}\n`,
  );
  const text = [
    `cosine ${diff.cosine_sim.toFixed(6)}, largest difference ${formatMetric(diff.max_abs_diff)} at ${diff.max_abs_diff_index}, `,
    `RMS ${formatMetric(diff.rms_diff)}, ${plural(diff.dim_product, 'element')}, `,
    diff.layer === 'whole-model' ? 'whole-model stage\n' : `layer ${diff.layer}\n`,
    '\n      index  A  B  difference\n',
    ...top,
  ].join('');
  return shownLines(text);
}
