import { svg, type SvgNode } from '../svg';
import type { HumanNumber } from './human-number';
import type { MapTheme } from './theme';

export interface TextLook {
  readonly fill: string;
  readonly size: number;
  readonly weight?: number;
  readonly anchor?: 'start' | 'middle' | 'end';
  readonly family?: string;
}

type Part = string | SvgNode | undefined;

/** Text with its looks as attributes, so that a picture needs no style sheet. */
export function label(x: number, y: number, look: TextLook, ...parts: readonly Part[]): SvgNode {
  return svg(
    'text',
    {
      x,
      y,
      fill: look.fill,
      'font-size': look.size,
      'font-weight': look.weight,
      'text-anchor': look.anchor,
      'font-family': look.family,
    },
    ...parts,
  );
}

/** A number with its raised exponent, and what follows on the line. */
export function numberParts({ text, exponent }: HumanNumber, after = ''): readonly Part[] {
  if (exponent === undefined) return [`${text}${after}`];
  const raised = svg('tspan', { dy: -4, 'font-size': '75%' }, exponent);
  // A shift holds for all that follows: the next text takes it back.
  return [text, raised, after === '' ? undefined : svg('tspan', { dy: 4 }, after)];
}

/** 10 with a raised exponent. */
export function power(exponent: number): readonly Part[] {
  return ['10', svg('tspan', { dy: -4, 'font-size': 9 }, String(exponent).replace('-', '−'))];
}

export const quiet = (theme: MapTheme, size: number, anchor: TextLook['anchor'] = 'start'): TextLook => ({
  fill: theme.ink3,
  size,
  anchor,
});
export const strong = (theme: MapTheme, size: number, anchor: TextLook['anchor'] = 'start'): TextLook => ({
  fill: theme.ink,
  size,
  weight: 600,
  anchor,
});
export const alarming = (theme: MapTheme, size: number, anchor: TextLook['anchor'] = 'start'): TextLook => ({
  fill: theme.wrong,
  size,
  weight: 600,
  anchor,
});
