import type { ReactElement } from 'react';
import { formatShare } from '../../base/format';
import { cssColour } from '../../plots/colour';
import { FULL, shareColour } from '../../plots/load-map';
import { useFigureTheme } from '../use-theme';

/** The fixed ink scale of shares. */
export function ShareLegend({ even }: { readonly even: number }): ReactElement {
  const theme = useFigureTheme();
  const full = Math.min(1, FULL * even);
  const steps = [
    { share: 0, text: 'none' },
    { share: even, text: `${formatShare(even)}, even` },
    { share: 2 * even, text: formatShare(2 * even) },
    { share: full, text: full === 1 ? 'every token' : `${formatShare(full)} and more` },
  ];
  return (
    <p className="share-legend" aria-hidden="true">
      {steps.map(({ share, text }) => (
        <span key={text}>
          <i style={{ background: cssColour(shareColour(theme, share, even)) }} /> {text}
        </span>
      ))}
    </p>
  );
}
