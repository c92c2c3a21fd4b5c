import { label, quiet, strong } from './map/text';
import type { MapTheme } from './map/theme';
import { svg, type SvgNode } from './svg';

/** Words that need two sentences and a sketch. docs/glossary.md has them all. */
export const TERMS = [
  {
    id: 'isolated',
    title: 'Isolated',
    text: 'Every stage of the candidate is fed the reference’s own input, so nothing is inherited. What is wrong here is wrong by itself.',
  },
  {
    id: 'local',
    title: 'Local',
    text: 'The exact result is computed anew from the candidate’s own captured inputs. It needs no control over the engine: a dump is enough.',
  },
  {
    id: 'free',
    title: 'Free-running',
    text: 'Each side feeds itself from the first token to the last, as a user runs it. Errors pile up, so this shows consequences, not causes.',
  },
  {
    id: 'bound',
    title: 'Bound',
    text: 'The largest error that honest rounding can make in this very value. Above 1 × the bound is a defect, never bad luck.',
  },
  {
    id: 'flip',
    title: 'Flip',
    text: 'The two sides chose different experts for a token. Harmless if the margin was within rounding; what follows differs and is not blamed on a kernel.',
  },
  {
    id: 'shadow',
    title: 'Shadow',
    text: 'Cells after the first wrong tensor that compute correctly from a wrong input. Isolated or local they are clean; free-running they are off.',
  },
] as const;
export type TermId = (typeof TERMS)[number]['id'];

const WIDTH = 272;
const HEIGHT = 66;

/** The sketch of a term. */
export function drawTerm(id: TermId, theme: MapTheme): SvgNode {
  return svg(
    'svg',
    { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, width: WIDTH, height: HEIGHT, 'aria-hidden': 'true' },
    ...SKETCHES[id](theme),
  );
}

const SKETCHES: Readonly<Record<TermId, (theme: MapTheme) => readonly SvgNode[]>> = {
  isolated: (t) => twoChains(t, 'exact', 'candidate'),
  local: (t) => twoChains(t, 'candidate', 'exact'),
  free: (t) => [
    ...chain(4, t.ink3, t, true),
    ...chain(40, t.ink, t, true),
    ...[0, 1, 2, 3].map((i) =>
      svg('line', {
        x1: 77 + i * 54,
        x2: 77 + i * 54,
        y1: 22,
        y2: 38,
        stroke: t.bins[8],
        'stroke-width': 0.6 + i * 0.9,
        'stroke-dasharray': '2 2',
      }),
    ),
    label(0, 16, quiet(t, 12), 'exact'),
    label(0, 52, quiet(t, 12), 'candidate'),
  ],
  bound: (t) => [
    svg('line', { x1: 10, x2: 264, y1: 34, y2: 34, stroke: t.ink3 }),
    svg('rect', { x: 70, y: 24, width: 84, height: 20, fill: t.bins[3] }),
    svg('line', { x1: 112, x2: 112, y1: 18, y2: 50, stroke: t.ink, 'stroke-width': 2 }),
    label(112, 12, strong(t, 12, 'middle'), 'exact'),
    svg('circle', { cx: 133, cy: 34, r: 4.5, fill: t.judged }),
    svg('circle', { cx: 236, cy: 34, r: 4.5, fill: t.bins[8] }),
    label(133, 60, quiet(t, 12, 'middle'), 'rounding'),
    label(236, 60, { ...strong(t, 12, 'middle'), fill: t.wrong }, 'defect'),
  ],
  flip: (t) => [
    ...[34, 28, 25, 16, 10].map((tall, i) =>
      svg('rect', {
        x: 20 + i * 46,
        y: 52 - tall,
        width: 28,
        height: tall,
        fill: i < 2 ? t.ink3 : 'none',
        stroke: i === 2 ? t.flip : t.ink3,
        'stroke-width': i === 2 ? 2 : 1,
      }),
    ),
    svg('line', { x1: 103, x2: 103, y1: 8, y2: 56, stroke: t.flip, 'stroke-dasharray': '3 3' }),
    label(100, 14, quiet(t, 12, 'end'), 'chosen'),
    label(108, 14, quiet(t, 12), 'left out'),
  ],
  shadow: (t) => [
    svg('rect', { x: 20, y: 8, width: 70, height: 48, fill: t.bins[3] }),
    svg('path', { d: 'M112 8h140v48H90V40h22z', fill: t.shadow[4] }),
    svg('rect', { x: 90, y: 32, width: 22, height: 8, fill: t.bins[8], stroke: t.ink, 'stroke-width': 2 }),
  ],
};

function twoChains(t: MapTheme, above: string, below: string): readonly SvgNode[] {
  return [
    ...chain(4, t.ink3, t, true),
    ...[0, 1, 2].map((i) => arrow(90 + i * 54, 12, 118 + i * 54, 40, t.judged)),
    ...chain(40, t.judged, t, false),
    label(0, 16, quiet(t, 12), above),
    label(0, 52, quiet(t, 12), below),
  ];
}

function chain(y: number, colour: string, t: MapTheme, linked: boolean): readonly SvgNode[] {
  return [0, 1, 2, 3].flatMap((i) => {
    const box = { x: 64 + i * 54, y, width: 26, height: 16, rx: 2 };
    const node = svg('rect', { ...box, fill: t.raised, stroke: colour, 'stroke-width': 1.4 });
    return linked && i < 3 ? [node, arrow(90 + i * 54, y + 8, 116 + i * 54, y + 8, colour)] : [node];
  });
}

function arrow(x1: number, y1: number, x2: number, y2: number, colour: string): SvgNode {
  const angle = Math.atan2(y2 - y1, x2 - x1);
  const wing = (turn: number): string => {
    const [dx, dy] = [Math.cos(angle + turn) * 5, Math.sin(angle + turn) * 5];
    return `L${Math.round((x2 - dx) * 10) / 10} ${Math.round((y2 - dy) * 10) / 10}`;
  };
  const d = `M${x1} ${y1}L${x2} ${y2}${wing(0.5)}M${x2} ${y2}${wing(-0.5)}`;
  return svg('path', { d, fill: 'none', stroke: colour, 'stroke-width': 1.4 });
}
