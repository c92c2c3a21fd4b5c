import { LAYER_INPUT, weightTensor } from '../arch/graph';
import { stageIn } from '../model/graph-of';
import type { HParams } from '../model/hparams';
import { stageSpec, type StageId, type WeightRole } from '../model/stages';
import { colourOf } from './map/draw-cells';
import { stripes } from './map/cells';
import { humanNumber } from './map/human-number';
import { isHot, valueOf } from './map/measure';
import type { MapData } from './map/map-types';
import { alarming, label, numberParts, quiet, strong } from './map/text';
import type { MapTheme } from './map/theme';
import { svg, type SvgNode } from './svg';

type Part =
  | { readonly kind: 'sign'; readonly text: string }
  | { readonly kind: 'value'; readonly layer: number | undefined; readonly stage: StageId; readonly own: boolean }
  | { readonly kind: 'scale' | 'sheet' | 'stack'; readonly role: WeightRole };

export interface FormulaPlace {
  readonly layer: number | undefined;
  readonly stage: StageId;
  /** Whose weights the stack shows on top. */
  readonly expert: number | undefined;
}

const HEIGHT = 88;
const TOP = 18;
const TALL = 48;

/** The weight that a stage reads; undefined where it reads none. */
export function tensorOf(hparams: HParams | undefined, stage: StageId, layer: number | undefined): string | undefined {
  const [role] = stageIn(hparams, stage, layer).weights;
  return role === undefined ? undefined : weightTensor(role, layer);
}

/** The stages that a place reads, with their layers; the input of a layer is the output of the one before it, or the embedding. */
export function inputsOf(
  data: MapData,
  { layer, stage }: Pick<FormulaPlace, 'layer' | 'stage'>,
): readonly { readonly layer: number | undefined; readonly stage: StageId }[] {
  const first = data.before.at(-1)?.stage;
  const last = data.rows.at(-1)?.stage;
  return stageIn(data.view.hparams, stage, layer).inputs.flatMap((name) => {
    if (name !== LAYER_INPUT) {
      const found = [...data.before, ...data.rows, ...data.after].find((row) => row.stage === name)?.stage;
      return found === undefined
        ? []
        : [{ layer: stageSpec(found).scope === 'model' ? undefined : layer, stage: found }];
    }
    const before = layer === undefined ? data.layers.at(-1) : data.layers[data.layers.indexOf(layer) - 1];
    if (before !== undefined && last !== undefined) return [{ layer: before, stage: last }];
    return first === undefined ? [] : [{ layer: undefined, stage: first }];
  });
}

/** How a stage is computed, as a drawing: values coloured and numbered by the page's measure, weights as sheets with their types. */
export function drawFormula(data: MapData, place: FormulaPlace, width: number, theme: MapTheme): SvgNode {
  const parts = partsOf(data, place);
  const room = (part: Part): number => {
    if (part.kind === 'sign') return part.text.length * 7 + 4;
    const text = part.kind === 'value' ? stageSpec(part.stage).title : part.role;
    return Math.max(part.kind === 'value' || part.kind === 'scale' ? 22 : 64, text.length * 6.3 + 6);
  };
  const total = parts.reduce((sum, part) => sum + room(part), 0);
  // Signs keep their width: only names can be set narrower.
  const signs = parts.reduce((sum, part) => sum + (part.kind === 'sign' ? room(part) : 0), 0);
  const squeeze = Math.min(1, (width - signs) / Math.max(1, total - signs));
  const gap = total < width ? Math.min(10, (width - total) / Math.max(1, parts.length - 1)) : 0;
  const nodes: SvgNode[] = [];
  let x = 0;
  for (const part of parts) {
    const w = room(part) * (part.kind === 'sign' ? 1 : squeeze);
    nodes.push(...drawPart(part, x + w / 2, w, data, place, theme));
    x += w + gap;
  }
  const box = { viewBox: `0 0 ${width} ${HEIGHT}`, width, height: HEIGHT };
  return svg('svg', { class: 'formula', ...box, 'aria-hidden': 'true' }, ...nodes);
}

function partsOf(data: MapData, place: FormulaPlace): readonly Part[] {
  const { operation, weights } = stageIn(data.view.hparams, place.stage, place.layer);
  const values = inputsOf(data, place).map((input): Part => ({ kind: 'value', ...input, own: false }));
  const sign = (text: string): Part => ({ kind: 'sign', text });
  const [role] = weights;
  const [a, b] = values;
  const own: Part = { kind: 'value', layer: place.layer, stage: place.stage, own: true };
  const given = (...wish: readonly (Part | undefined)[]): readonly Part[] => [
    own,
    sign('='),
    ...wish.filter((part) => part !== undefined),
  ];
  switch (operation) {
    case 'rows':
      return given(role === undefined ? undefined : { kind: 'sheet', role }, sign('[token]'));
    case 'rmsnorm':
      return given(a, sign('÷ rms ×'), role === undefined ? undefined : { kind: 'scale', role });
    case 'linear':
      return given(role === undefined ? undefined : { kind: 'sheet', role }, sign('·'), a);
    case 'head-linear':
    case 'expert-linear':
      return given(role === undefined ? undefined : { kind: 'stack', role }, sign('·'), a);
    case 'rope':
      return given(sign('rotate'), a);
    case 'attention-scores':
      return given(a, sign('·'), b, sign('÷ √d'));
    case 'attention-values':
      return given(a, sign('·'), b);
    case 'softmax':
      return given(sign('softmax'), a);
    case 'add':
      return given(a, sign('+'), b);
    case 'multiply':
      return given(a, sign('×'), b);
    case 'shift':
      return given(a, sign('+'), role === undefined ? undefined : { kind: 'scale', role });
    case 'scale':
      return given(sign('scale ×'), a);
    case 'sigmoid':
      return given(sign('sigmoid'), a);
    case 'top-k':
      return given(sign('top k'), a);
    case 'normalise':
      return given(a, sign('['), b, sign('] ÷ Σ'));
    case 'swiglu':
      return given(sign('silu'), a, sign('×'), b);
    case 'swiglu-clamped':
      return given(sign('clamped silu'), a, sign('× (1 +'), b, sign(')'));
    case 'weighted-sum':
      return given(sign('Σ'), a, sign('×'), b);
    case 'silu':
      return given(sign('silu'), a);
    case 'softplus':
      return given(sign('softplus'), a, sign('+'), role === undefined ? undefined : { kind: 'scale', role });
    case 'gain':
      return given(a, sign('×'), role === undefined ? undefined : { kind: 'scale', role });
    case 'concat':
      return given(a, sign('beside'), b);
    case 'group-scores':
      return given(sign('two best of each group of'), a);
    case 'slice':
      return given(sign('part of'), a);
    case 'l2norm':
      return given(a, sign('÷ length'));
    case 'conv1d':
      return given(role === undefined ? undefined : { kind: 'sheet', role }, sign('∗'), a);
    case 'delta-rule':
      return given(sign('delta'), ...values);
    case 'delta-read':
      return given(a, sign('·'), b, sign('÷ √d'));
    case 'none':
      return values.length === 0 ? [own] : given(...values.flatMap((v, i) => (i === 0 ? [v] : [sign(','), v])));
  }
}

function drawPart(
  part: Part,
  cx: number,
  width: number,
  data: MapData,
  place: FormulaPlace,
  theme: MapTheme,
): readonly SvgNode[] {
  const middle = TOP + TALL / 2;
  const name = (text: string, bold: boolean): SvgNode => {
    const look = bold ? strong(theme, 11.5, 'middle') : quiet(theme, 11.5, 'middle');
    const node = label(cx, TOP + TALL + 14, look, text);
    const long = text.length * 6.2 > width;
    return long
      ? {
          ...node,
          attributes: { ...node.attributes, textLength: Math.max(20, width - 3), lengthAdjust: 'spacingAndGlyphs' },
        }
      : node;
  };
  if (part.kind === 'sign') return [label(cx, middle + 5, strong(theme, 14, 'middle'), part.text)];
  if (part.kind === 'value') {
    const { layer, stage, own } = part;
    const bin = data.bin(stage, layer);
    const fill = colourOf(bin, data.shade(stage, layer), theme) ?? (bin === 'nonfinite' ? theme.stripe[0] : 'none');
    const box = { x: cx - 7, y: TOP, width: 14, height: TALL };
    const value = valueOf(data.row(data.measure.basis, stage, layer), data.measure.unit);
    const look = isHot(bin) ? alarming(theme, 11.5, 'middle') : quiet(theme, 11.5, 'middle');
    const lines = Array.from({ length: 5 }, (_, i) => `M${cx - 6.5} ${TOP + ((i + 1) * TALL) / 6}h13`).join('');
    return [
      svg(
        'g',
        { 'data-go': `${layer ?? ''}/${stage}`, class: own ? 'own' : 'input' },
        svg('rect', {
          ...box,
          fill,
          stroke: theme.ink,
          'stroke-width': own ? 2 : 1,
          ...(bin === undefined ? { 'stroke-dasharray': '2 2' } : {}),
        }),
        bin === 'nonfinite'
          ? svg('path', {
              d: stripes(cx - 7, TOP, 14, TALL),
              stroke: theme.stripe[1],
              'stroke-width': 1.6,
              fill: 'none',
            })
          : svg('path', { d: lines, stroke: theme.ink, 'stroke-opacity': 0.35, 'stroke-width': 0.7 }),
        label(cx, TOP - 6, look, ...numberParts(humanNumber(value))),
        name(stageSpec(stage).title, own),
      ),
    ];
  }
  const type = data.view.tensorTypes?.[weightTensor(part.role, place.layer)] ?? (part.kind === 'scale' ? '' : '?');
  if (part.kind === 'scale') {
    return [
      svg('rect', { x: cx - 7, y: TOP, width: 14, height: TALL, fill: theme.raised, stroke: theme.ink3 }),
      label(cx, TOP - 6, quiet(theme, 11.5, 'middle'), type),
      name(part.role, false),
    ];
  }
  const sheets = part.kind === 'stack' ? 3 : 1;
  const nodes: SvgNode[] = [];
  for (let i = sheets - 1; i >= 0; i--) {
    nodes.push(
      svg('rect', {
        x: cx - 27 + i * 4,
        y: TOP + (sheets > 1 ? (2 - i) * 3 - 3 : 0),
        width: 50,
        height: TALL - (sheets > 1 ? 4 : 2),
        fill: theme.raised,
        stroke: i === 0 ? theme.ink : theme.ink3,
      }),
    );
  }
  const y = TOP + (sheets > 1 ? 4 : 1);
  nodes.push(label(cx - 2, y + 21, strong(theme, 12.5, 'middle'), type === '?' ? '' : type));
  if (sheets > 1 && place.expert !== undefined) {
    nodes.push(label(cx - 2, y + 36, quiet(theme, 11.5, 'middle'), `e ${place.expert}`));
  }
  nodes.push(name(part.role, false));
  return nodes;
}
