import { plural } from '../base/format';
import { visible, capped } from '../base/foreign-text';
import type { Report } from '../divergence/report';
import { shortAdapter } from '../model/adapter-card';
import { findingOf, findingText } from '../plots/finding';
import { drawMap } from '../plots/map/draw-map';
import { mapLayout, MAP_SIZES, type MapLayout } from '../plots/map/layout';
import { mapData } from '../plots/map/map-data';
import type { MapData } from '../plots/map/map-types';
import { measureOf } from '../plots/map/measure';
import { label, quiet, type TextLook } from '../plots/map/text';
import { DARK_MAP, LIGHT_MAP, type MapTheme } from '../plots/map/theme';
import { svg, type SvgNode } from '../plots/svg';
import { sideTitle, viewOfReport } from '../plots/trace-view';
import { FACES } from './faces';
import { picture, type Picture } from './picture';
import { promptLength } from './redact';
import { styledWords } from './styled-words';
import { textWidth, wrapText } from './wrap-text';

/** The size that previews of links and chats show whole. */
const WIDTH = 1200;
const HEIGHT = 675;
const SIDE = 48;
const INNER = WIDTH - 2 * SIDE;

/** The finding in one line from 36 to 46 pixels, else in two of these. */
const LARGEST = 46;
const SMALLEST = 36;
const TWO_LINES = 38;
/** Pixels of the footer left of the key. */
const FOOTER_LEFT = 460;

/**
 * The card: the finding, where and how much, the map, and where it comes from. Made of the same drawing as the page's map. What was put in on
 * purpose and a software adapter are named in the picture itself.
 */
export function cardPicture(report: Report, dark = false): Picture {
  const theme = dark ? DARK_MAP : LIGHT_MAP;
  const view = viewOfReport(report);
  const data = mapData(view, measureOf(view));
  const finding = findingOf(view, report);
  const head = findingText(finding.head);
  const nodes: SvgNode[] = [...logo(SIDE, 38, theme)];
  nodes.push(label(SIDE + 38, 58, { fill: theme.ink, size: 19, weight: 600 }, 'MoEscope'));
  nodes.push(label(SIDE + 38 + 104, 58, { fill: theme.ink2, size: 18 }, sidesText(report, 18, INNER - 142)));
  const size = Math.min(LARGEST, (INNER / textWidth(head, 'serif', 1)) * 1);
  const serif = (fontSize: number): TextLook => ({
    fill: theme.ink,
    size: fontSize,
    weight: 600,
    family: FACES.serif,
  });
  let y = 68;
  let row: number = MAP_SIZES.card.row;
  let tallest: number = MAP_SIZES.card.tallest;
  if (size >= SMALLEST) {
    y += size;
    nodes.push(label(SIDE, y, serif(Math.floor(size)), ...styledWords(finding.head, theme)));
  } else {
    // Two lines are plain: a look of a word does not survive the break.
    row = 11.2;
    tallest = 318;
    for (const line of wrapText(head, 'serif', TWO_LINES, INNER, 2)) {
      y += TWO_LINES * 1.12;
      nodes.push(label(SIDE, y, serif(TWO_LINES), line));
    }
  }
  y += 34;
  const facts = finding.facts.slice(0, 2).map(({ words }) => findingText(words).trim());
  nodes.push(label(SIDE, y, { fill: theme.ink2, size: 20 }, clauses(facts, 20, INNER)));
  const cardSize = { ...MAP_SIZES.card, row, tallest, headline: size >= SMALLEST ? MAP_SIZES.card.headline : 24 };
  const layout = mapLayout(data, INNER, cardSize);
  const at = `translate(${String(SIDE)} ${String(y + 12)})`;
  nodes.push(svg('g', { transform: at }, ...drawMap(data, layout, theme), ...shadowName(data, layout, theme)));
  nodes.push(...footer(report, theme));
  return picture(report, finding, { width: WIDTH, height: HEIGHT }, nodes, theme);
}

/** What the tinted part is, where it has the room to say so. */
function shadowName(data: MapData, layout: MapLayout, theme: MapTheme): readonly SvgNode[] {
  const first = data.layers.indexOf(data.first?.layer ?? -1);
  const group = layout.groups[0];
  if (first < 0 || group === undefined) return [];
  const from = layout.x(first + 1);
  const stage = data.rows[1]?.stage;
  const cast = stage !== undefined && data.shade(stage, data.layers[first + 1]) === 'full';
  if (!cast || layout.rightEdge - from < 370) return [];
  const x = (from + layout.rightEdge) / 2;
  const y = (group.y0 + group.y1) / 2;
  return [
    svg('rect', { x: x - 168, y: y - 17, width: 336, height: 32, fill: theme.paper, 'fill-opacity': 0.93 }),
    label(x, y + 5, { ...quiet(theme, 18, 'middle'), fill: theme.ink2 }, 'its shadow: right kernels, wrong input'),
  ];
}

/**
 * `defect on purpose: qtype-blind@layer=2 · MoEscope WebGPU, SwiftShader (software) against exact f64`: what must not be cut comes first.
 */
function sidesText({ run, adapter }: Report, size: number, width: number): string {
  const [candidate, reference] = [sideTitle(run.candidate, run.arms[0]), sideTitle(run.reference, run.arms[1])];
  const software = adapter?.isSoftware === true ? ' (software)' : '';
  const on = adapter === undefined ? '' : `, ${shortAdapter(adapter)}${software}`;
  const against = run.arms.length < 2 ? '' : ` against ${reference}`;
  const defects = run.inject ?? [];
  const text = `${defects.length === 0 ? '' : `defect on purpose: ${defects.join('; ')} · `}${candidate}${on}`;
  return fits(`${text}${against}`, size, width) ? `${text}${against}` : fitted(text, size, width);
}

function footer(report: Report, theme: MapTheme): readonly SvgNode[] {
  const y = HEIGHT - 28;
  const look: TextLook = { fill: theme.ink2, size: 16 };
  const { model, run, created, tool } = report;
  const from = [
    visible(capped(model.name)),
    model.quant,
    plural(promptLength(run), 'token'),
    created.slice(0, 10),
    `MoEscope ${tool.version}`,
  ].filter((text) => text !== '');
  while (from.length > 1 && !fits(from.join(' · '), 16, FOOTER_LEFT)) from.pop();
  const nodes: SvgNode[] = [label(SIDE, y, look, fitted(from.join(' · '), 16, FOOTER_LEFT))];
  const x = 590;
  nodes.push(label(x - 8, y, { ...look, anchor: 'end' }, 'rounding'));
  for (let bin = 1; bin <= 9; bin++) {
    const fill = theme.bins[bin];
    nodes.push(svg('rect', { x: x + (bin - 1) * 13 + (bin > 5 ? 3 : 0), y: y - 13, width: 13, height: 13, fill }));
  }
  const limit = x + 66.5;
  nodes.push(svg('line', { x1: limit, x2: limit, y1: y - 17, y2: y + 4, stroke: theme.wrong, 'stroke-width': 2 }));
  nodes.push(label(x + 128, y, look, 'defect'));
  nodes.push(label(WIDTH - SIDE, y, { ...look, anchor: 'end' }, 'drop this picture on MoEscope to open the run'));
  return nodes;
}

/** What fits into a line of facts, each whole or without the clauses at its end: a sentence cut in a word says less than a shorter one. */
function clauses(facts: readonly string[], size: number, width: number): string {
  for (const fitting of [facts, facts.map((fact) => fact.split('; ')[0] ?? fact), facts.slice(0, 1)]) {
    const text = fitting.join('; ');
    if (fits(text, size, width)) return text;
  }
  return fitted(facts[0] ?? '', size, width);
}

function fits(text: string, size: number, width: number): boolean {
  return textWidth(text, 'sans', size) <= width;
}

/** One line, cut where it would be too long. */
function fitted(text: string, size: number, width: number): string {
  return wrapText(text, 'sans', size, width, 1)[0] ?? '';
}

/** Nine cells, the middle one wrong, what follows in its shadow. */
function logo(x: number, y: number, theme: MapTheme): readonly SvgNode[] {
  return Array.from({ length: 9 }, (_, i) => {
    const [column, row] = [i % 3, Math.floor(i / 3)];
    const fill =
      i === 4 ? theme.bins[8] : column === 2 || (column === 1 && row === 2) ? theme.shadow[4] : theme.bins[4];
    return svg('rect', { x: x + column * 9, y: y + row * 9, width: 7.5, height: 7.5, fill });
  });
}
