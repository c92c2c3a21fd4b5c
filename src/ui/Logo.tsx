import type { ReactElement } from 'react';
import { useMapTheme } from './use-theme';

/** Nine cells, the middle one wrong, what follows in its shadow. */
export function Logo(): ReactElement {
  const theme = useMapTheme();
  return (
    <svg className="logo-mark" width="21" height="21" viewBox="0 0 21 21" aria-hidden="true">
      {Array.from({ length: 9 }, (_, i) => {
        const [column, row] = [i % 3, Math.floor(i / 3)];
        const isShadow = column === 2 || (column === 1 && row === 2);
        const fill = i === 4 ? theme.bins[8] : isShadow ? theme.shadow[4] : theme.bins[4];
        return <rect key={i} x={column * 7.5} y={row * 7.5} width="6" height="6" fill={fill} />;
      })}
    </svg>
  );
}
