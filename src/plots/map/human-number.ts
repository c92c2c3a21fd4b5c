import { formatCount } from '../../base/format';

/** A number for people: `22,800`, `0.14`, or a mantissa with a raised exponent. */
export interface HumanNumber {
  readonly text: string;
  /** Raised: `6.3·10` and `−4`. */
  readonly exponent?: string;
}

/** Two or three significant digits. `undefined` (nothing was measured) is an en dash, never a zero. */
export function humanNumber(x: number | undefined): HumanNumber {
  if (x === undefined) return { text: '–' };
  if (Number.isNaN(x)) return { text: 'NaN' };
  if (!Number.isFinite(x)) return { text: x > 0 ? '∞' : '−∞' };
  if (x === 0) return { text: '0' };
  const sign = x < 0 ? '−' : '';
  const size = Math.abs(x);
  if (size >= 1e5 || size < 1e-3) {
    const [mantissa = '', exponent = ''] = size.toExponential(1).split('e');
    return {
      text: `${sign}${mantissa.replace(/\.0$/, '')}·10`,
      exponent: exponent.replace('+', '').replace('-', '−'),
    };
  }
  if (size >= 100) return { text: sign + formatCount(Number(size.toPrecision(3))) };
  return { text: sign + String(Number(size.toPrecision(size < 1 ? 2 : 3))) };
}

/** The same in one line, for titles and labels: `6.3e-4`. */
export function plainNumber(x: number | undefined): string {
  const { text, exponent } = humanNumber(x);
  return exponent === undefined ? text : `${text.replace('·10', '')}e${exponent.replace('−', '-')}`;
}
