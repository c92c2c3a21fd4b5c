import { formatBytes, formatCount, formatMetric, plural } from '../base/format';
import type { AdapterCard } from '../model/adapter-card';
import type { Report, Row } from '../divergence/report';
import { placeOf } from '../divergence/sentence';
import { STAGES, type StageId } from '../model/stages';

/** A finished run for people: the verdict, what was compared on what, and one line a stage with its worst layer. */
export function reportText(report: Report): string {
  const { model, run } = report;
  const facts = [
    ['model', `${model.name}, ${model.quant}, ${formatBytes(model.bytes)} (${model.file})`],
    ['adapter', adapterText(report.adapter)],
    ['runtime', runtimeText(report)],
    [
      'compared',
      `${run.arms.join(' against ')}, ${plural(run.layers.length, 'layer')}, ${plural(run.stages.length, 'stage')}, ${plural(run.positions.length, 'position')} of ${plural(run.tokens.length, 'token')}, mode ${run.mode}`,
    ],
    ['read', formatBytes(report.memory.bytesRead)],
  ];
  if (run.routing !== undefined) facts.push(['routing', `the ${run.routing}'s experts in every arm`]);
  for (const fault of run.injected ?? [])
    facts.push(['injected', fault.visible ? fault.spec : `${fault.spec}: not visible, ${fault.why ?? ''}`]);
  for (const other of report.verdict.others ?? [])
    facts.push(['also', `${placeOf(other)}${other.hint === undefined ? '' : `: ${other.hint}`}`]);
  const top = report.top.a.length > 0 ? report.top.a : report.top.b;
  if (top.length > 0)
    facts.push(['next', top.map((t) => `${JSON.stringify(t.text)} ${t.logit.toFixed(2)}`).join('  ')]);
  const lines = facts.map(([name = '', text = '']) => `  ${name.padEnd(9)}${text}`);
  return `${report.verdict.sentence}\n\n${lines.join('\n')}\n\n${stageTable(report.rows)}`;
}

/** A GPU's name; a software one is always called that. */
export function adapterText(adapter: AdapterCard | undefined): string {
  if (adapter === undefined) return 'none (no GPU arm)';
  const names = [adapter.vendor, adapter.architecture, adapter.device, adapter.description];
  const name = [...new Set(names.filter((word) => word !== ''))].join(' ') || 'unnamed';
  return adapter.isSoftware ? `${name} (SOFTWARE adapter)` : name;
}

function runtimeText({ browser, adapter }: Report): string {
  if (browser !== undefined) return `${browser.name} ${browser.version}`;
  return adapter === undefined ? 'Node' : 'Node, Dawn';
}

/** Per stage over all layers: free-running and isolated error, each at its worst layer, and the verdicts that are not a match. */
export function stageTable(all: readonly Row[]): string {
  const rows = STAGES.flatMap((stage) => {
    const ofStage = all.filter((row) => row.stage === stage.id && row.count > 0);
    return ofStage.length === 0 ? [] : [stageRow(stage.id, ofStage)];
  });
  if (rows.length === 0) return '';
  const head = ['stage', 'cosine', 'relative L2', 'at layer', 'error/bound', 'at layer', 'not a match'];
  const table = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...table.map((row) => (row[column] ?? '').length)));
  return table
    .map((row) => `  ${row.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join('  ')}`.trimEnd())
    .map((line) => `${line}\n`)
    .join('');
}

function stageRow(stage: StageId, rows: readonly Row[]): readonly string[] {
  const free = worst(
    rows.filter((row) => row.mode === 'free'),
    (row) => row.relL2,
  );
  const isolated = worst(
    rows.filter((row) => row.mode === 'isolated'),
    (row) => row.maxRatio,
  );
  return [
    stage,
    free?.cosine === undefined ? '–' : free.cosine.toFixed(6),
    formatMetric(free?.relL2),
    layerText(free),
    formatMetric(isolated?.maxRatio),
    layerText(isolated),
    verdictCounts(rows),
  ];
}

/** The row with the largest value; NaN is larger than everything. */
function worst(rows: readonly Row[], value: (row: Row) => number | undefined): Row | undefined {
  const rank = (row: Row): number => {
    const v = value(row);
    return v === undefined ? -Infinity : Number.isNaN(v) ? Infinity : v;
  };
  const measured = rows.filter((row) => value(row) !== undefined);
  return measured.reduce<Row | undefined>(
    (found, row) => (found === undefined || rank(row) > rank(found) ? row : found),
    undefined,
  );
}

function layerText(row: Row | undefined): string {
  return row === undefined ? '–' : row.layer === undefined ? 'model' : String(row.layer);
}

function verdictCounts(rows: readonly Row[]): string {
  const counts = new Map<string, number>();
  for (const row of rows) {
    const label = `${row.mode} ${row.verdict}`;
    if (row.verdict !== 'match') counts.set(label, (counts.get(label) ?? 0) + 1);
  }
  return [...counts].map(([label, n]) => `${formatCount(n)} ${label}`).join(', ');
}
