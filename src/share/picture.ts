import { describePanel, divergencePanel } from '../plots/divergence-panel';
import { ERROR_METRICS } from '../plots/error-scale';
import { panelStages } from '../plots/panel-stages';
import { sentenceParts } from '../plots/select-explain';
import { selectPanel, type PanelData } from '../plots/select-panel';
import { DARK_THEME, LIGHT_THEME } from '../plots/colour';
import { svg, type SvgNode } from '../plots/svg';
import { viewOfReport, type TraceView } from '../plots/trace-view';
import type { Report } from '../divergence/report';
import { DARK, FACES, type Palette } from './palette';
import { heatBlock, loadBlock } from './picture-maps';
import { provenance, type Fact } from './provenance';
import { PICTURE_FONT, resolveStyle } from './resolve-style';
import type { ViewState } from './view-state';
import { textWidth, wrapText, type Face } from './wrap-text';

/** A picture that stands alone: everything that it says is in it. */
export interface Picture {
  /** Pixels at 1x. */
  readonly width: number;
  readonly height: number;
  readonly root: SvgNode;
  /** For `<title>` and `alt`. */
  readonly title: string;
  /** The curves in words, for `<desc>`. */
  readonly description: string;
}

export interface PictureOptions {
  /** Panels and legend alone, for a page that says the rest itself. */
  readonly bare?: boolean;
  /** The heatmap and the load of the experts below the panels. */
  readonly maps?: boolean;
}

const WIDTH = 1120;
const MARGIN = 40;
const INNER = WIDTH - 2 * MARGIN;
const SENTENCE = 25;
const FACT = 11.5;
const FACT_LEAD = 16.5;
const FACT_NAME = 108;

/** The divergence picture: verdict, panels, legend, limits, and where it all comes from. */
export function divergencePicture(
  report: Report,
  view: ViewState,
  palette: Palette,
  options: PictureOptions = {},
): Picture {
  const trace = viewOfReport(report);
  const nodes: SvgNode[] = [];
  let y = MARGIN + 6;
  if (options.bare === true) y = 0;
  else y = headline(report, palette, y, nodes);
  const metric = ERROR_METRICS[view.metric];
  const stages = panelStages(trace, []);
  const panels = stages.map((stage) => selectPanel(trace, stage, view.metric));
  panels.forEach((data, i) => {
    const position = panels.length === 1 ? 'only' : i === 0 ? 'first' : i === panels.length - 1 ? 'last' : 'middle';
    const scene = divergencePanel(data, { width: INNER, position });
    const drawn = resolveStyle(scene.root, palette);
    nodes.push(svg('g', { transform: `translate(${String(MARGIN)} ${String(y)})` }, ...drawn.children));
    const titleY = y + scene.titleTop + 16;
    nodes.push(
      svg(
        'text',
        { x: MARGIN, y: titleY, 'font-size': 14, 'font-weight': 600, fill: palette.ink },
        data.title,
        svg('tspan', { dx: 12, 'font-size': 12, 'font-weight': 400, fill: palette.mute }, metric.title),
      ),
    );
    y += scene.height;
  });
  y += 22;
  nodes.push(
    ...legend(
      y,
      palette,
      panels.some((p) => p.flips.length > 0),
    ),
  );
  if (options.maps === true) y = mapBlocks(trace, view, palette, y, nodes);
  if (options.bare === true) return finished(report, panels, nodes, Math.ceil(y + 8), palette, metric.title);
  y += 22;
  nodes.push(svg('line', { x1: MARGIN, x2: WIDTH - MARGIN, y1: y, y2: y, stroke: palette.line }));
  y += 12;
  const facts = factRows(provenance(report), y, palette);
  nodes.push(...facts.nodes);
  return finished(report, panels, nodes, Math.ceil(facts.bottom + MARGIN - 14), palette, metric.title);
}

/** Heatmap and routing. @returns where they end */
function mapBlocks(trace: TraceView, view: ViewState, palette: Palette, top: number, nodes: SvgNode[]): number {
  const theme = palette === DARK ? DARK_THEME : LIGHT_THEME;
  let y = top + 18;
  for (const block of [heatBlock(trace, view, theme, INNER), loadBlock(trace, theme, INNER)]) {
    if (block === undefined) continue;
    y += 22;
    nodes.push(
      svg(
        'text',
        { x: MARGIN, y, 'font-size': 14, 'font-weight': 600, fill: palette.ink },
        block.title,
        svg('tspan', { dx: 12, 'font-size': 12, 'font-weight': 400, fill: palette.mute }, block.aside),
      ),
    );
    y += 10;
    const place = { transform: `translate(${String(MARGIN)} ${String(y)})` };
    nodes.push(svg('g', place, ...block.nodes.map((node) => resolveStyle(node, palette))));
    y += block.height;
  }
  return y;
}

function finished(
  report: Report,
  panels: readonly PanelData[],
  nodes: readonly SvgNode[],
  height: number,
  palette: Palette,
  metric: string,
): Picture {
  const box = { viewBox: `0 0 ${String(WIDTH)} ${String(height)}`, width: WIDTH, height };
  const root = svg(
    'svg',
    { xmlns: 'http://www.w3.org/2000/svg', ...box, ...PICTURE_FONT },
    svg('rect', { x: 0, y: 0, width: WIDTH, height, fill: palette.paper }),
    ...nodes,
  );
  return {
    width: WIDTH,
    height,
    root,
    title: `MoEscope, ${report.model.name}: ${report.verdict.sentence}`,
    description: panels.map((data) => `${data.title}, ${metric}: ${describePanel(data)}`).join(' '),
  };
}

/** Name, model and verdict. @returns where they end */
function headline(report: Report, palette: Palette, top: number, nodes: SvgNode[]): number {
  let y = top;
  nodes.push(
    svg(
      'text',
      { x: MARGIN, y, 'font-size': 13, 'font-weight': 600, fill: palette.ink },
      'MoEscope',
      svg('tspan', { dx: 14, 'font-size': 12.5, 'font-weight': 400, fill: palette.mute }, kicker(report)),
    ),
  );
  y += 20;
  const sentence = sentenceLines(report.verdict.sentence, palette, report.verdict.status);
  for (const line of sentence) {
    y += SENTENCE * 1.28;
    nodes.push({ ...line, attributes: { ...line.attributes, x: MARGIN, y } });
  }
  y += 30;
  return y;
}

function kicker({ model, adapter, run }: Report): string {
  const faults = run.inject === undefined || run.inject.length === 0 ? '' : '  ·  fault injected on purpose';
  const software = adapter?.isSoftware === true ? '  ·  software adapter' : '';
  return `${[model.name, model.quant].filter((t) => t !== '').join('  ·  ')}${software}${faults}`;
}

/** The verdict as text elements, one a line, with the page's emphasis. */
function sentenceLines(sentence: string, palette: Palette, status: Report['verdict']['status']): readonly SvgNode[] {
  const lines = wrapText(sentence, 'serif', SENTENCE, INNER, 5);
  const strong = status === 'match' ? palette.isolated : status === 'incomplete' ? palette.ink : palette.free;
  const fill = {
    status: strong,
    number: status === 'match' ? palette.ink : strong,
    name: palette.ink,
    plain: palette.ink,
  };
  // The parts are cut from the whole sentence, so that a line break changes no emphasis.
  const roles = sentenceParts(sentence).flatMap(({ text, role }) => [...text].map(() => role));
  let at = 0;
  return lines.map((line) => {
    const runs: { text: string; role: keyof typeof fill }[] = [];
    for (const letter of line) {
      const role = roles[at++] ?? 'plain';
      const last = runs[runs.length - 1];
      if (last?.role === role) last.text += letter;
      else runs.push({ text: letter, role });
    }
    // The blank at the break.
    if (sentence[at] === ' ') at++;
    return svg(
      'text',
      { 'font-family': FACES.serif, 'font-size': SENTENCE, 'font-weight': 500, fill: palette.ink },
      ...runs.map(({ text, role }) =>
        svg(
          'tspan',
          {
            fill: fill[role],
            ...(role === 'name'
              ? { 'font-family': FACES.mono, 'font-size': SENTENCE * 0.82, 'font-weight': 400 }
              : role === 'status'
                ? { 'font-weight': 600 }
                : {}),
          },
          text,
        ),
      ),
    );
  });
}

interface WordOptions {
  readonly x: number;
  readonly y: number;
  readonly size: number;
  readonly fill: string;
  readonly weight?: number;
  readonly face?: Face;
}

function words(text: string, { x, y, size, fill, weight, face }: WordOptions): SvgNode {
  const family = face === undefined ? undefined : FACES[face];
  return svg('text', { x, y, 'font-size': size, 'font-weight': weight, fill, 'font-family': family }, text);
}

/** What lines, marks and bars mean, in one line. */
function legend(y: number, palette: Palette, flips: boolean): readonly SvgNode[] {
  const nodes: SvgNode[] = [];
  let x = MARGIN;
  const say = (text: string): void => {
    nodes.push(words(text, { x, y, size: 12, fill: palette.mute }));
    x += textWidth(text, 'sans', 12) + 26;
  };
  nodes.push(svg('line', { x1: x, x2: x + 26, y1: y - 4, y2: y - 4, stroke: palette.free, 'stroke-width': 2 }));
  nodes.push(svg('circle', { cx: x + 13, cy: y - 4, r: 3.4, fill: palette.free }));
  x += 34;
  say('free-running: each arm feeds itself');
  nodes.push(
    svg('line', {
      x1: x,
      x2: x + 26,
      y1: y - 4,
      y2: y - 4,
      stroke: palette.isolated,
      'stroke-width': 1.6,
      'stroke-dasharray': '5 3',
    }),
  );
  nodes.push(
    svg('rect', {
      x: x + 9.8,
      y: y - 7.2,
      width: 6.4,
      height: 6.4,
      fill: palette.paper,
      stroke: palette.isolated,
      'stroke-width': 1.6,
    }),
  );
  x += 34;
  say("isolated: each stage fed the reference's input");
  nodes.push(svg('circle', { cx: x + 8, cy: y - 4, r: 7, fill: 'none', stroke: palette.ink, 'stroke-width': 1.4 }));
  x += 24;
  say('wrong by itself');
  if (flips) {
    nodes.push(svg('rect', { x, y: y - 11, width: 7, height: 11, fill: palette.flip }));
    x += 14;
    say('tokens whose experts differ');
  }
  return nodes;
}

/** Facts as name and value, values wrapped. */
function factRows(
  facts: readonly Fact[],
  top: number,
  palette: Palette,
): { readonly nodes: readonly SvgNode[]; readonly bottom: number } {
  const nodes: SvgNode[] = [];
  let y = top;
  for (const { name, value, code } of facts) {
    const face: Face = code === true ? 'mono' : 'sans';
    const size = code === true ? FACT - 0.7 : FACT;
    const lines = wrapText(value, face, size, INNER - FACT_NAME, 3);
    lines.forEach((line, i) => {
      y += FACT_LEAD;
      if (i === 0) nodes.push(words(name, { x: MARGIN, y, size: FACT, fill: palette.mute }));
      nodes.push(
        words(line, { x: MARGIN + FACT_NAME, y, size, fill: palette.ink, ...(code === true ? { face } : {}) }),
      );
    });
  }
  return { nodes, bottom: y };
}
