import type { Word } from '../plots/finding';
import { numberParts } from '../plots/map/text';
import type { MapTheme } from '../plots/map/theme';
import { svg, type SvgNode } from '../plots/svg';
import { FACES } from './faces';

/** Words with their looks, as parts of one SVG text. Flat: painters and editors know no tspan within a tspan. */
export function styledWords(words: readonly Word[], theme: MapTheme): readonly (string | SvgNode)[] {
  const looks = {
    wrong: { fill: theme.wrong },
    right: { fill: theme.right },
    strong: { fill: theme.ink },
    code: { fill: theme.ink, 'font-family': FACES.mono },
  } as const;
  return words.flatMap((word): readonly (string | SvgNode)[] => {
    if (typeof word === 'string') return [word];
    if ('text' in word) return [svg('tspan', looks[word.look], word.text)];
    const parts = numberParts(word.number).filter((part) => part !== undefined);
    return parts.map((part) =>
      typeof part === 'string'
        ? svg('tspan', looks[word.look], part)
        : { ...part, attributes: { ...looks[word.look], ...part.attributes } },
    );
  });
}
