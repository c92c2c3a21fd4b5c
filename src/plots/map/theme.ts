/** The map's colours: quiet below the limit, hot above it, the shadow, and the inks around them. */
export interface MapTheme {
  readonly paper: string;
  readonly panel: string;
  readonly raised: string;
  readonly ink: string;
  readonly ink2: string;
  readonly ink3: string;
  readonly rule: string;
  readonly rule2: string;
  readonly wrong: string;
  readonly right: string;
  readonly flip: string;
  readonly focus: string;
  readonly judged: string;
  readonly hotGround: string;
  readonly edge: string;
  /** By bin: exact, five quiet, four hot. */
  readonly bins: readonly string[];
  /** By bin, exact and the five quiet ones. */
  readonly shadow: readonly string[];
  /** Half way between the two, for cells that an error has reached below the limit. */
  readonly half: readonly string[];
  readonly stripe: readonly [ground: string, stripe: string];
}

const LIGHT_BINS = [
  '#e9f0e6',
  '#eaf0f4',
  '#dde7ee',
  '#cfdde8',
  '#bed1e0',
  '#b1c9db',
  '#eeaa1c',
  '#ea7a26',
  '#cf3a25',
  '#8e1148',
] as const;
const LIGHT_SHADOW = ['#ece5e2', '#ece5e2', '#e2d8d5', '#d7cac7', '#cbbbb9', '#bdabaa'] as const;
const DARK_BINS = [
  '#1f2a25',
  '#1d2830',
  '#23343f',
  '#2b4252',
  '#345266',
  '#3e637b',
  '#ffc94f',
  '#ff9642',
  '#ff5b45',
  '#ff3d8b',
] as const;
const DARK_SHADOW = ['#2a2221', '#2a2221', '#382b2a', '#473636', '#574244', '#695053'] as const;

export const LIGHT_MAP: MapTheme = {
  paper: '#fbfaf6',
  panel: '#f5f3ec',
  raised: '#ffffff',
  ink: '#1b1a16',
  ink2: '#565248',
  ink3: '#6d685d',
  rule: '#e3dfd4',
  rule2: '#c9c4b6',
  wrong: '#b0330d',
  right: '#0a665c',
  flip: '#5f33b5',
  focus: '#1f5fd0',
  judged: '#0a7a6d',
  hotGround: '#fdf1e4',
  edge: '#8a6f6c',
  bins: LIGHT_BINS,
  shadow: LIGHT_SHADOW,
  half: LIGHT_SHADOW.map((colour, i) => mix(LIGHT_BINS[i] ?? colour, colour)),
  stripe: ['#8e1148', '#ffffff'],
};

export const DARK_MAP: MapTheme = {
  paper: '#151410',
  panel: '#1c1b16',
  raised: '#24221c',
  ink: '#eeeade',
  ink2: '#b9b3a4',
  ink3: '#9a9485',
  rule: '#2f2d26',
  rule2: '#4a473d',
  wrong: '#ff9468',
  right: '#62cdbb',
  flip: '#bda5ff',
  focus: '#8ab4ff',
  judged: '#55cdb9',
  hotGround: '#261d14',
  edge: '#b98f8a',
  bins: DARK_BINS,
  shadow: DARK_SHADOW,
  half: DARK_SHADOW.map((colour, i) => mix(DARK_BINS[i] ?? colour, colour)),
  stripe: ['#ff3d8b', '#2a0a1a'],
};

/** The middle of two `#rrggbb`. */
function mix(x: string, y: string): string {
  const channel = (from: number): string => {
    const sum = parseInt(x.slice(from, from + 2), 16) + parseInt(y.slice(from, from + 2), 16);
    return Math.round(sum / 2)
      .toString(16)
      .padStart(2, '0');
  };
  return `#${channel(1)}${channel(3)}${channel(5)}`;
}

/** `#rrggbb` as bytes, for rasters. */
export function rgbOf(hex: string): readonly [number, number, number] {
  const byte = (from: number): number => parseInt(hex.slice(from, from + 2), 16);
  return [byte(1), byte(3), byte(5)];
}
