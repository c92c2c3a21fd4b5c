import mono from '@fontsource/ibm-plex-mono/files/ibm-plex-mono-latin-400-normal.woff2?inline';
import sans from '@fontsource/ibm-plex-sans/files/ibm-plex-sans-latin-400-normal.woff2?inline';
import sansBold from '@fontsource/ibm-plex-sans/files/ibm-plex-sans-latin-600-normal.woff2?inline';
import serif from '@fontsource/source-serif-4/files/source-serif-4-latin-600-normal.woff2?inline';

/** The page's faces, Latin letters and digits, as rules that carry the files themselves: 110 kB for what has to be readable without a network. */
export const EMBEDDED_FACES = (
  [
    ['IBM Plex Sans', 400, sans],
    ['IBM Plex Sans', 600, sansBold],
    ['IBM Plex Mono', 400, mono],
    ['Source Serif 4', 600, serif],
  ] as const
)
  .map(
    ([family, weight, address]) =>
      `@font-face{font-family:'${family}';font-weight:${String(weight)};src:url(${address}) format('woff2')}`,
  )
  .join('\n');
