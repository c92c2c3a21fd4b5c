import { joined, NOTHING, say, shownLines, type ShownText } from '../../base/foreign-text';
import { formatBytes, formatCount, formatMetric, plural } from '../../base/format';
import { bothCaptured } from '../../divergence/both-captured';
import { RATIO_BINS } from '../../divergence/ratio-bins';
import type { NonFinite, Report, Row } from '../../divergence/report';
import { placeOf } from '../../divergence/sentence';
import { engineName } from '../../model/engines';
import { adapterText } from '../../model/adapter-card';
import { STAGES, type StageId } from '../../model/stages';

/** A finished run for people: the verdict, what was compared on what, and one line a stage with its worst layer. */
export function reportText(report: Report): ShownText {
  const { model, run } = report;
  const facts = [
    ['model', `${model.name}, ${model.quant}, ${formatBytes(model.bytes)} (${model.file})`],
    ['adapter', report.adapter === undefined ? 'none (no GPU engine)' : adapterText(report.adapter)],
    ['runtime', runtimeText(report)],
    [
      run.arms.length > 1 ? 'compared' : 'captured',
      `${run.arms.map(engineName).join(' against ')}, ${plural(run.layers.length, 'layer')}, ${plural(run.stages.length, 'stage')}, ${plural(run.positions.length, 'position')} of ${plural(run.tokens.length, 'token')}, mode ${run.mode}`,
    ],
    ['read', formatBytes(report.memory.bytesRead)],
  ];
  if (run.prompt !== undefined) facts.splice(3, 0, ['prompt', clipped(JSON.stringify(run.prompt))]);
  if (run.routing !== undefined) facts.push(['routing', `the ${run.routing}'s experts in every engine`]);
  for (const fault of run.injected ?? [])
    facts.push(['injected', fault.visible ? fault.spec : `${fault.spec}: not visible, ${fault.why ?? ''}`]);
  for (const other of report.verdict.others ?? [])
    facts.push(['also', `${placeOf(other)}${other.hint === undefined ? '' : `: ${other.hint}`}`]);
  for (const note of report.notes ?? []) facts.push(['note', note]);
  const unjudged = unjudgedText(report);
  if (unjudged !== undefined) facts.push(['unjudged', unjudged]);
  for (const nonFinite of [report.poison?.a, report.poison?.b]) {
    if (nonFinite !== undefined) facts.push(['NaN, Inf', notFiniteText(nonFinite)]);
  }
  const top = report.top.a.length > 0 ? report.top.a : report.top.b;
  if (top.length > 0) facts.push(['next', nextText(top)]);
  const lines = facts.map(([name = '', text = '']) => say`  ${name.padEnd(9)}${text}\n`);
  return say`${report.verdict.sentence}\n\n${joined(lines)}\n${stageTable(report.rows)}`;
}

/** The stages that a verdict from the run's own inputs says nothing of, in some layer at least. */
function unjudgedText({ rows, live }: Report): string | undefined {
  const open = rows.filter(
    ({ mode, verdict }) => mode === 'local' && (verdict === 'unmeasured' || verdict === 'missing'),
  );
  if (open.length === 0) return undefined;
  const stages = STAGES.map(({ id }) => id).filter((id) => open.some(({ stage }) => stage === id));
  const remedy =
    live !== undefined && !live.flashAttention.startsWith('off') && stages.includes('attention')
      ? '; --flash-attention off captures attention'
      : '';
  return `${stages.join(', ')}: not captured, or not with what they read${remedy}`;
}

/** Characters of a prompt that are shown. */
const PROMPT_SHOWN = 100;

function clipped(text: string): string {
  return text.length > PROMPT_SHOWN ? `${text.slice(0, PROMPT_SHOWN)}...` : text;
}

/** The likeliest next tokens with their logits. Tokens whose logits are not finite are no likelier than others. */
function nextText(top: Report['top']['a']): string {
  const finite = top.filter(({ logit }) => Number.isFinite(logit));
  if (finite.length < top.length) return 'none: there are logits that are not finite';
  return finite.map(({ text, logit }) => `${JSON.stringify(text)} ${logit.toFixed(2)}`).join('  ');
}

/** Captures of the run-up that are shown. */
const RUN_UP_SHOWN = 3;

/** `gpu: NaN first at layer 2, moe_expert_out [0 3 17], then in 41 captures; before it moe_expert_swigl |x| 1.2e-5 .. 3.1` */
function notFiniteText({ arm: engine, kind, layer, stage, index, spread, runUp }: NonFinite): string {
  const place = (at: { readonly layer: number | undefined; readonly stage: StageId }): string =>
    at.layer === undefined ? at.stage : `layer ${at.layer}, ${at.stage}`;
  const before = runUp
    .slice(-RUN_UP_SHOWN)
    .map((captured) => {
      const subnormal = captured.subnormals > 0 ? `, ${formatMetric(captured.subnormals * 100)} % subnormal` : '';
      return `${captured.stage} |x| ${formatMetric(captured.absMin)} .. ${formatMetric(captured.absMax)}${subnormal}`;
    })
    .join('; ');
  const after = plural(spread.length, 'captured');
  return `${engine}: ${kind} first at ${place({ layer, stage })} [${index.join(' ')}], in ${after}${before === '' ? '' : `; before it ${before}`}`;
}

function runtimeText({ browser, adapter }: Report): string {
  if (browser !== undefined) return `${browser.name} ${browser.version}`;
  return adapter === undefined ? 'Node' : 'Node, Dawn';
}

/** Per stage over all layers: free-running and isolated error, each at its worst layer, and the verdicts that are not a match. */
export function stageTable(all: readonly Row[]): ShownText {
  // Of engines that are no f32 kernels there are no bounds; then what is left alone is told by its size.
  const columns = all.some((row) => row.maxRatio !== undefined)
    ? [...FREE_COLUMNS, ...BOUND_COLUMNS]
    : all.some((row) => row.mode === 'isolated' && row.relL2 !== undefined)
      ? [...FREE_COLUMNS, ...ALONE_COLUMNS]
      : FREE_COLUMNS;
  const rows = STAGES.flatMap((stage) => {
    const ofStage = all.filter((row) => row.stage === stage.id && bothCaptured(row));
    if (ofStage.length === 0) return [];
    return [[stage.id, ...columns.map(({ cell }) => cell(ofStage)), verdictCounts(ofStage)]];
  });
  if (rows.length === 0) return NOTHING;
  const head = ['stage', ...columns.map(({ name }) => name), 'not a match'];
  const table = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...table.map((row) => (row[column] ?? '').length)));
  const lines = table.map((row) => `  ${row.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join('  ')}`.trimEnd());
  return shownLines(lines.map((line) => `${line}\n`).join(''));
}

/** One figure of a stage over all its rows. */
interface Column {
  readonly name: string;
  readonly cell: (rows: readonly Row[]) => string;
}

function worstIn(rows: readonly Row[], mode: Row['mode'], value: (row: Row) => number | undefined): Row | undefined {
  return worst(
    rows.filter((row) => row.mode === mode),
    value,
  );
}

const freeL2 = (rows: readonly Row[]): Row | undefined => worstIn(rows, 'free', (row) => row.relL2);
const aloneL2 = (rows: readonly Row[]): Row | undefined => worstIn(rows, 'isolated', (row) => row.relL2);
const ratio = (rows: readonly Row[]): Row | undefined => worst(rows, (row) => row.maxRatio);

const FREE_COLUMNS: readonly Column[] = [
  { name: 'cosine', cell: (rows) => freeL2(rows)?.cosine?.toFixed(6) ?? setsText(rows) },
  { name: 'relative L2', cell: (rows) => formatMetric(freeL2(rows)?.relL2) },
  { name: 'at layer', cell: (rows) => layerText(freeL2(rows)) },
];

/** Chosen experts are compared as sets. */
function setsText(rows: readonly Row[]): string {
  const sets = rows.filter((row) => row.jaccard !== undefined);
  if (sets.length === 0) return '–';
  const flips = sets.reduce((sum, row) => sum + (row.flips?.length ?? 0), 0);
  return flips === 0 ? 'same sets' : plural(flips, 'flip');
}

const BOUND_COLUMNS: readonly Column[] = [
  { name: 'error/bound', cell: (rows) => formatMetric(ratio(rows)?.maxRatio) },
  { name: 'at layer', cell: (rows) => layerText(ratio(rows)) },
  { name: 'statistical', cell: (rows) => formatMetric(worst(rows, (row) => row.maxEstimate)?.maxEstimate) },
  // Exact zeros at the left, then decades; the bound itself is at the right but two.
  { name: '0..1e-8..1..', cell: ratioBars },
];

const ALONE_COLUMNS: readonly Column[] = [
  { name: 'alone', cell: (rows) => formatMetric(aloneL2(rows)?.relL2) },
  { name: 'at layer', cell: (rows) => layerText(aloneL2(rows)) },
];

/** Heights of a bar, by eighths; an empty bin is a dot. */
const BARS = '▁▂▃▄▅▆▇█';

/** How error / bound is distributed over all elements of a stage, one bar a bin, heights by the logarithm of the count. */
function ratioBars(rows: readonly Row[]): string {
  const counts = Array.from({ length: RATIO_BINS }, (_, bin) =>
    rows.reduce((sum, row) => sum + (row.ratios?.[bin] ?? 0), 0),
  );
  const most = Math.log1p(Math.max(...counts));
  if (most === 0) return '–';
  return counts
    .map((count) => (count === 0 ? '·' : (BARS[Math.round((Math.log1p(count) / most) * (BARS.length - 1))] ?? '·')))
    .join('');
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
