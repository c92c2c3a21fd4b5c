import type { Report } from '../divergence/report';
import { findingOf, findingText, type Finding } from '../plots/finding';
import { drawMap, drawMapStrips } from '../plots/map/draw-map';
import { without } from '../base/without';
import { mapLayout, MAP_SIZES } from '../plots/map/layout';
import { mapLegend } from '../plots/map/legend';
import { mapData } from '../plots/map/map-data';
import { measureOf, wishOf } from '../plots/map/measure';
import { label, quiet } from '../plots/map/text';
import { DARK_MAP, LIGHT_MAP, type MapTheme } from '../plots/map/theme';
import { svg, type SvgNode } from '../plots/svg';
import { viewOfReport } from '../plots/trace-view';
import { FACES } from './faces';
import { provenance, type Fact } from './provenance';
import { styledWords } from './styled-words';
import type { ViewState } from './view-state';
import { wrapText, type Face } from './wrap-text';

/** A picture that stands alone: everything that it says is in it. */
export interface Picture {
  /** Pixels at 1x. */
  readonly width: number;
  readonly height: number;
  readonly root: SvgNode;
  /** For `<title>` and `alt`. */
  readonly title: string;
  /** The finding in words, for `<desc>`. */
  readonly description: string;
}

const WIDTH = 1120;
const MARGIN = 40;
const INNER = WIDTH - 2 * MARGIN;
const HEAD = 27;
const FACT = 11.5;
const FACT_LEAD = 16.5;
const FACT_NAME = 108;

/** The full sheet: the finding, the sentence, the map with its strips and scale, and where it all comes from. */
export function sheetPicture(report: Report, view: ViewState, dark = false): Picture {
  const theme = dark ? DARK_MAP : LIGHT_MAP;
  const trace = viewOfReport(report);
  const data = mapData(trace, measureOf(trace, wishOf(view)));
  const finding = findingOf(trace, report);
  const nodes: SvgNode[] = [];
  let y = MARGIN + 6;
  nodes.push(
    label(
      MARGIN,
      y,
      { fill: theme.ink, size: 13, weight: 600 },
      'MoEscope',
      svg('tspan', { dx: 14, 'font-size': 12.5, 'font-weight': 400, fill: theme.ink2 }, kicker(report)),
    ),
  );
  y = heading(finding, y + 16, theme, nodes);
  for (const line of wrapText(report.verdict.sentence, 'mono', 12, INNER, 4)) {
    y += 16;
    nodes.push(label(MARGIN, y, { fill: theme.ink2, size: 12, family: FACES.mono }, line));
  }
  y += 14;
  const legend = mapLegend(data, theme);
  nodes.push(at(WIDTH - MARGIN - legend.width, y, legend.nodes));
  nodes.push(label(MARGIN, y + 16, quiet(theme, 12), measureText(data.measure)));
  y += legend.height + 6;
  const layout = mapLayout(data, INNER, without(MAP_SIZES.page, 'tallest'), view.zoom);
  const drawn = [...drawMap(data, layout, theme), ...drawMapStrips(data, layout, theme, data.first?.layer)];
  nodes.push(at(MARGIN, y, drawn));
  y += layout.height + 10;
  nodes.push(svg('line', { x1: MARGIN, x2: WIDTH - MARGIN, y1: y, y2: y, stroke: theme.rule }));
  y = factRows(provenance(report), y + 12, theme, nodes);
  return picture(report, finding, { width: WIDTH, height: Math.ceil(y + MARGIN - 14) }, nodes, theme);
}

/** Puts nodes on paper. */
export function picture(
  report: Report,
  finding: Finding,
  { width, height }: { readonly width: number; readonly height: number },
  nodes: readonly SvgNode[],
  theme: MapTheme,
): Picture {
  const box = { viewBox: `0 0 ${width} ${height}`, width, height };
  const root = svg(
    'svg',
    { xmlns: 'http://www.w3.org/2000/svg', ...box, 'font-family': FACES.sans },
    svg('rect', { x: 0, y: 0, width, height, fill: theme.paper }),
    ...nodes,
  );
  const facts = finding.facts.map(({ title, words }) => `${title}: ${findingText(words).trim()}`);
  return {
    width,
    height,
    root,
    title: `MoEscope, ${report.model.name}: ${report.verdict.sentence}`,
    description: [findingText(finding.head), ...facts].join(' '),
  };
}

function at(x: number, y: number, nodes: readonly SvgNode[]): SvgNode {
  return svg('g', { transform: `translate(${x} ${y})` }, ...nodes);
}

/** @returns where it ends */
function heading(finding: Finding, top: number, theme: MapTheme, nodes: SvgNode[]): number {
  let y = top;
  const head = findingText(finding.head);
  const lines = wrapText(head, 'serif', HEAD, INNER, 2);
  const look = { fill: theme.ink, size: HEAD, weight: 600, family: FACES.serif } as const;
  for (const line of lines) {
    y += HEAD * 1.2;
    nodes.push(label(MARGIN, y, look, ...(lines.length === 1 ? styledWords(finding.head, theme) : [line])));
  }
  y += 10;
  const column = INNER / Math.max(1, finding.facts.length);
  let bottom = y;
  finding.facts.forEach(({ title, words }, i) => {
    const x = MARGIN + i * column;
    nodes.push(label(x, y + 12, quiet(theme, 12), title));
    wrapText(findingText(words), 'sans', 12.5, column - 18, 4).forEach((line, n) => {
      nodes.push(label(x, y + 30 + n * 17, { fill: theme.ink, size: 12.5 }, line));
      bottom = Math.max(bottom, y + 30 + n * 17);
    });
  });
  return bottom + 10;
}

const BASES = { local: 'local', isolated: 'isolated', free: 'free-running' } as const;

function measureText({ basis, unit }: { readonly basis: keyof typeof BASES; readonly unit: 'ratio' | 'l2' }): string {
  return `${BASES[basis]}, ${unit === 'ratio' ? 'error ÷ bound' : 'relative L2'}`;
}

function kicker({ model, adapter, run }: Report): string {
  const faults = run.inject === undefined || run.inject.length === 0 ? '' : '  ·  defect put in on purpose';
  const software = adapter?.isSoftware === true ? '  ·  software adapter' : '';
  return `${[model.name, model.quant].filter((t) => t !== '').join('  ·  ')}${software}${faults}`;
}

/** Facts as name and value, values wrapped. @returns where they end */
function factRows(facts: readonly Fact[], top: number, theme: MapTheme, nodes: SvgNode[]): number {
  let y = top;
  for (const { name, value, code } of facts) {
    const face: Face = code === true ? 'mono' : 'sans';
    const size = code === true ? FACT - 0.7 : FACT;
    wrapText(value, face, size, INNER - FACT_NAME, 3).forEach((line, i) => {
      y += FACT_LEAD;
      if (i === 0) nodes.push(label(MARGIN, y, { fill: theme.ink2, size: FACT }, name));
      const family = code === true ? { family: FACES.mono } : {};
      nodes.push(label(MARGIN + FACT_NAME, y, { fill: theme.ink, size, ...family }, line));
    });
  }
  return y;
}
