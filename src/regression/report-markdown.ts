import { markdownText } from '../base/foreign-text';
import { plural, short } from '../base/format';
import type { Report, Row } from '../divergence/report';
import { adapterText } from '../model/adapter-card';
import { engineName } from '../model/engines';
import { baselineRow } from './baseline';
import { layerChart } from './layer-chart';

/** Rows in the table: what is wrong comes first. */
const MOST_ROWS = 30;

/** One run as Markdown for a job summary or a pull request: the sentence, what ran, the rows that matter most, the error by layer. */
export function reportMarkdown({ verdict, model, run, adapter, runtime, rows, ...more }: Report): string {
  const { baseline, repeat, notes = [] } = more;
  const what = `${run.arms.map(engineName).join(' against ')}, ${plural(run.layers.length, 'layer')}, ${plural(run.tokens.length, 'token')}`;
  const facts = [
    ['model', `${model.name}, ${model.quant} (${model.file})`],
    ['adapter', adapter === undefined ? 'none' : adapterText(adapter)],
    ['run', `${what}, mode ${run.mode} (${runtime})`],
    ...(baseline === undefined ? [] : [['baseline', baseline.sentence]]),
    ...(repeat === undefined ? [] : [['repeat', repeat.sentence]]),
    ...notes.map((note) => ['note', note]),
  ];
  const bad = rows.filter(isBad);
  const listed = [...bad, ...rows.filter((row) => !isBad(row)).sort((x, y) => weight(y) - weight(x))].slice(
    0,
    MOST_ROWS,
  );
  const rest = rows.length - listed.length;
  const chart = layerChart('run', rows.map(baselineRow));
  return [
    `**${markdownText(verdict.sentence)}**\n`,
    table(['', ''], facts),
    table(
      ['layer', 'stage', 'mode', 'verdict', 'error / bound', 'relative L2', 'cosine'],
      listed.map((row) => [
        row.layer === undefined ? '–' : String(row.layer),
        row.stage,
        row.mode,
        row.verdict,
        figure(row.maxRatio),
        figure(row.relL2),
        row.cosine === undefined ? '–' : row.cosine.toFixed(6),
      ]),
    ),
    ...(rest > 0 ? [`and ${plural(rest, 'other row')}\n`] : []),
    ...(chart === undefined ? [] : [chart]),
  ].join('\n');
}

function isBad({ verdict }: Row): boolean {
  return verdict !== 'match' && verdict !== 'unmeasured' && verdict !== 'not-applicable';
}

function weight({ maxRatio, relL2 }: Row): number {
  return maxRatio ?? relL2 ?? -1;
}

function figure(value: number | undefined): string {
  return value === undefined ? '–' : short(value);
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.map(markdownText).join(' | ')} |\n`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('');
}
