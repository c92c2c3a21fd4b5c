import { useEffect, useSyncExternalStore } from 'react';
import { DARK_THEME, LIGHT_THEME, type FigureTheme } from '../plots/colour';
import { useApp } from './use-app';

function useMedia(query: string): boolean {
  return useSyncExternalStore(
    (changed) => {
      const media = window.matchMedia(query);
      media.addEventListener('change', changed);
      return () => {
        media.removeEventListener('change', changed);
      };
    },
    () => window.matchMedia(query).matches,
  );
}

/** The colours that rasters need as numbers; print is always light. */
export function useFigureTheme(): FigureTheme {
  const theme = useApp((s) => s.theme);
  const systemDark = useMedia('(prefers-color-scheme: dark)');
  const print = useMedia('print');
  const dark = theme === 'dark' || (theme === 'auto' && systemDark);
  return dark && !print ? DARK_THEME : LIGHT_THEME;
}

/** Puts the chosen theme on the page. */
export function useThemeAttribute(): void {
  const theme = useApp((s) => s.theme);
  useEffect(() => {
    if (theme === 'auto') delete document.documentElement.dataset['theme'];
    else document.documentElement.dataset['theme'] = theme;
  }, [theme]);
}
