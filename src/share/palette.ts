/** The named colours of tokens.css as values, for pictures that leave the page. A test holds the two together. */
export interface Palette {
  readonly paper: string;
  readonly ink: string;
  readonly mute: string;
  readonly line: string;
  readonly chip: string;
  readonly free: string;
  readonly isolated: string;
  readonly flip: string;
  readonly over: string;
}

export const LIGHT: Palette = {
  paper: '#fbfaf6',
  ink: '#1d1b18',
  mute: '#655f55',
  line: '#e3ddd0',
  chip: '#f1ede3',
  free: '#b93c0a',
  isolated: '#0f766e',
  flip: '#6d28d9',
  over: '#c2410c0f',
};

export const DARK: Palette = {
  paper: '#15161a',
  ink: '#eceae4',
  mute: '#a39f95',
  line: '#30323a',
  chip: '#262930',
  free: '#fb923c',
  isolated: '#5eead4',
  flip: '#c4b5fd',
  over: '#fb923c12',
};

/** Faces of the page, then what other machines have. */
export const FACES = {
  sans: "'IBM Plex Sans', 'Liberation Sans', Arial, Helvetica, sans-serif",
  mono: "'IBM Plex Mono', 'Liberation Mono', Menlo, Consolas, monospace",
  serif: "'Source Serif 4', 'Liberation Serif', Georgia, serif",
} as const;
