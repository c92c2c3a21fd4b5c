import { sha256Base64 } from '../base/sha256';
import { markupText } from '../base/foreign-text';
import { formatCount, formatMetric } from '../base/format';
import type { Row } from '../divergence/report';
import { isFailing } from '../plots/row-verdict';
import { findingOf, type Word } from '../plots/finding';
import { drawMap, drawMapStrips } from '../plots/map/draw-map';
import { without } from '../base/without';
import { mapLayout, MAP_SIZES } from '../plots/map/layout';
import { mapLegend } from '../plots/map/legend';
import { mapData } from '../plots/map/map-data';
import { measureOf, wishOf } from '../plots/map/measure';
import { DARK_MAP, LIGHT_MAP, type MapTheme } from '../plots/map/theme';
import { VERDICT_WORDS } from '../plots/select-table';
import { svg, svgText } from '../plots/svg';
import { viewOfReport, type TraceView } from '../plots/trace-view';
import { stageSpec } from '../model/stages';
import { provenance } from './provenance';
import { packView, type SharedView } from './shared-view';
import type { ViewState } from './view-state';

/** Pixels of the map; it shrinks with the page. */
const MAP_WIDTH = 1120;

/** Rows shown in the table; the others are in the data. */
const MOST_ROWS = 4000;

/**
 * A report as one HTML file: readable without a script, without a network, under any content security policy, in a hundred years. It
 * opens on the page again when it is dropped there.
 */
export async function reportHtml({ report, view, leftOut }: SharedView): Promise<string> {
  const trace = viewOfReport(report);
  const finding = findingOf(trace, report);
  // Half of a report of the sample; nothing else needs them.
  const { EMBEDDED_FACES } = await import('./embedded-faces');
  const style = `${EMBEDDED_FACES}\n${styleText()}`;
  const hash = await sha256Base64(style);
  const facts = provenance(report)
    .map(
      (f) =>
        `<dt>${markupText(f.name)}</dt><dd>${f.code === true ? `<code>${markupText(f.value)}</code>` : markupText(f.value)}</dd>`,
    )
    .join('\n');
  const notes = report.notes ?? [];
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'sha256-${hash}'; font-src data:">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="generator" content="MoEscope ${markupText(report.tool.version)}">
<title>${markupText(`${report.verdict.sentence.split(':', 1)[0] ?? ''}, ${report.model.name}, MoEscope`)}</title>
<style>${style}</style>
</head>
<body>
<main>
<p class="kicker"><b>MoEscope</b> ${markupText(report.model.name)}</p>
<h1>${worded(finding.head)}</h1>
<dl class="finding">${finding.facts.map(({ title, words }) => `<div><dt>${markupText(title)}</dt><dd>${worded(words)}</dd></div>`).join('')}</dl>
<p class="sentence">${markupText(report.verdict.sentence)}</p>
<figure class="on-light">${mapText(trace, view, LIGHT_MAP)}<figcaption>Stages by layers. The numbers are in the tables below.</figcaption></figure>
<figure class="on-dark" aria-hidden="true">${mapText(trace, view, DARK_MAP)}</figure>
<h2>Where it comes from</h2>
<dl>
${facts}
</dl>
${notes.length === 0 ? '' : `<h2>Notes</h2><ul>${notes.map((note) => `<li>${markupText(note)}</li>`).join('')}</ul>`}
${tables(report.rows)}
<p class="small">${report.rows.length > MOST_ROWS ? `The first ${String(MOST_ROWS)} of ${String(report.rows.length)} rows; all are in the file's data. ` : ''}${leftOut.length === 0 ? 'The whole trace is in this file: drop it on the MoEscope page to explore it.' : `Drop this file on the MoEscope page to explore it. Left out of its data: ${markupText(leftOut.join('; '))}.`}</p>
</main>
<script type="text/plain" id="moescope-view">${packView({ report, view, leftOut })}</script>
</body>
</html>
`;
}

/** The map with its scale and strips; looks are attributes, as in every picture. */
function mapText(trace: TraceView, view: ViewState, theme: MapTheme): string {
  const data = mapData(trace, measureOf(trace, wishOf(view)));
  const legend = mapLegend(data, theme);
  const layout = mapLayout(data, MAP_WIDTH, without(MAP_SIZES.page, 'tallest'));
  const height = legend.height + layout.height;
  const box = { viewBox: `0 0 ${String(MAP_WIDTH)} ${String(height)}`, width: MAP_WIDTH, height };
  const nodes = [...drawMap(data, layout, theme), ...drawMapStrips(data, layout, theme, data.first?.layer)];
  return svgText(
    svg(
      'svg',
      { ...box, role: 'img', 'aria-label': 'Stages by layers' },
      svg('g', { transform: `translate(${String(MAP_WIDTH - legend.width)} 0)` }, ...legend.nodes),
      svg('g', { transform: `translate(0 ${String(legend.height)})` }, ...nodes),
    ),
  );
}

/** What is wrong first; the rest is folded, in forward order. */
function tables(rows: readonly Row[]): string {
  const wrong = rows.filter(isFailing);
  if (wrong.length === 0) return `<h2>Every comparison</h2>\n${table(rows)}`;
  const count = wrong.length === 1 ? '1 comparison is' : `${formatCount(wrong.length)} comparisons are`;
  return `<h2>${count} over the limit</h2>
${table(wrong)}
<details><summary>Every comparison</summary>
${table(rows)}
</details>`;
}

function worded(words: readonly Word[]): string {
  return words
    .map((word) => {
      if (typeof word === 'string') return markupText(word);
      if ('text' in word) {
        const text = markupText(word.text);
        return word.look === 'code' ? `<code>${text}</code>` : `<b class="${word.look}">${text}</b>`;
      }
      const { text, exponent } = word.number;
      const raised = exponent === undefined ? '' : `<sup>${markupText(exponent)}</sup>`;
      return `<b class="${word.look}">${markupText(text)}${raised}</b>`;
    })
    .join('');
}

function table(rows: readonly Row[]): string {
  const lines = rows.slice(0, MOST_ROWS).map((row) => {
    const cells = [
      row.layer ?? '–',
      stageSpec(row.stage).title,
      row.mode === 'free' ? 'free-running' : row.mode,
      VERDICT_WORDS[row.verdict],
      formatMetric(row.relL2),
      formatMetric(row.maxRatio),
      formatMetric(row.maxAbs),
      row.flips === undefined ? '–' : String(row.flips.length),
    ];
    const wrong = row.verdict === 'diverge' || row.verdict.startsWith('nan') || row.verdict === 'missing';
    return `<tr${wrong ? ' class="wrong"' : ''}>${cells.map((cell) => `<td>${markupText(String(cell))}</td>`).join('')}</tr>`;
  });
  const heads = [
    'Layer',
    'Stage',
    'Mode',
    'Verdict',
    'Relative L2',
    'Error ÷ bound',
    'Largest error',
    'Tokens rerouted',
  ];
  return `<div class="scroll" tabindex="0" role="region" aria-label="Every comparison"><table><thead><tr>${heads.map((h) => `<th scope="col">${h}</th>`).join('')}</tr></thead><tbody>
${lines.join('\n')}
</tbody></table></div>`;
}

function styleText(): string {
  const vars = (t: MapTheme): string =>
    `--paper:${t.paper};--ink:${t.ink};--mute:${t.ink2};--line:${t.rule};--wrong:${t.wrong};--right:${t.right}`;
  return `:root{color-scheme:light dark;${vars(LIGHT_MAP)}}
@media (prefers-color-scheme:dark){:root{${vars(DARK_MAP)}}}
body{margin:0;background:var(--paper);color:var(--ink);font:15px/1.5 'IBM Plex Sans',system-ui,sans-serif;font-variant-numeric:tabular-nums}
main{max-width:1120px;margin:0 auto;padding:2rem 1.25rem 3rem}
h1{font:600 1.7rem/1.28 'Source Serif 4',Georgia,serif;margin:.3rem 0 .5rem;overflow-wrap:anywhere;text-wrap:balance}
h2{font-size:1rem;margin:2rem 0 .5rem}
.kicker,.small,figcaption,dt,th{color:var(--mute)}
.kicker b{color:var(--ink);margin-right:.8em}
.small,figcaption{font-size:.85rem}
code{font-family:'IBM Plex Mono',ui-monospace,monospace;font-size:.9em;overflow-wrap:anywhere}
figure{margin:1.5rem 0}
svg{display:block;width:100%;height:auto}
.on-dark{display:none}
@media (prefers-color-scheme:dark){.on-dark{display:block}.on-light svg{display:none}}
@media print{.on-light svg{display:block}.on-dark{display:none}}
dl{display:grid;grid-template-columns:max-content minmax(0,1fr);gap:.15rem 1.5rem;margin:0}
dd{margin:0}
.scroll{overflow-x:auto}
table{border-collapse:collapse;font-size:.85rem}
th,td{padding:.2rem .8rem .2rem 0;border-bottom:1px solid var(--line);text-align:left;white-space:nowrap;font-weight:400}
td:nth-child(n+5),th:nth-child(n+5){text-align:right}
.wrong td{color:var(--wrong);font-weight:600}
.finding{display:grid;grid-template-columns:repeat(auto-fit,minmax(15rem,1fr));gap:.4rem 1.5rem}
.sentence{font:.85rem/1.45 'IBM Plex Mono',ui-monospace,monospace;color:var(--mute);overflow-wrap:anywhere}
b.wrong{color:var(--wrong)}b.right{color:var(--right)}
sup{font-size:.72em;line-height:0}
summary{margin:2rem 0 .5rem;cursor:pointer}`;
}
