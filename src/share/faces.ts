/** Faces of the page, then what other machines have. */
export const FACES = {
  sans: "'IBM Plex Sans', 'Liberation Sans', Arial, Helvetica, sans-serif",
  mono: "'IBM Plex Mono', 'Liberation Mono', Menlo, Consolas, monospace",
  serif: "'Source Serif 4', 'Liberation Serif', Georgia, serif",
} as const;
