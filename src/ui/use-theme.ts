import { useEffect, useSyncExternalStore } from 'react';
import { DARK_MAP, LIGHT_MAP, type MapTheme } from '../plots/map/theme';
import { useApp } from './use-app';

export function useMedia(query: string): boolean {
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

/** The colours of the figures; print is always light. */
export function useMapTheme(): MapTheme {
  const theme = useApp((s) => s.theme);
  const systemDark = useMedia('(prefers-color-scheme: dark)');
  const print = useMedia('print');
  const dark = theme === 'dark' || (theme === 'auto' && systemDark);
  return dark && !print ? DARK_MAP : LIGHT_MAP;
}

/** How much room there is: a phone has one column and a sheet, a narrow window a smaller map. styles/page.css has the same steps. */
export type Room = 'phone' | 'medium' | 'wide';

export function useRoom(): Room {
  const phone = useMedia('(max-width: 860px)');
  const medium = useMedia('(max-width: 1180px)');
  return phone ? 'phone' : medium ? 'medium' : 'wide';
}

/** Puts the chosen theme on the page. */
export function useThemeAttribute(): void {
  const theme = useApp((s) => s.theme);
  useEffect(() => {
    if (theme === 'auto') delete document.documentElement.dataset['theme'];
    else document.documentElement.dataset['theme'] = theme;
  }, [theme]);
}
