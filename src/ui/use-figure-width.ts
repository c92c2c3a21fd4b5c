import { useLayoutEffect, useState, type RefCallback } from 'react';

/** Figures are laid out in units of which 16 make a root em, so that they grow with the page's type on very large screens. */
export interface FigureWidth {
  readonly ref: RefCallback<HTMLDivElement>;
  /** Layout units; 0 until measured. */
  readonly width: number;
  /** CSS pixels a layout unit. */
  readonly scale: number;
}

/** Figures of one kind have one width: across the text column, or in a grid of their own. */
export type FigureKind = 'column' | 'choices' | 'way' | 'half' | 'part' | 'profile' | 'pair';

interface Size {
  readonly width: number;
  readonly scale: number;
}

const UNKNOWN: Size = { width: 0, scale: 1 };

/** What the last figure of a kind measured: the next one begins with it and is drawn once, not twice. */
const measured = new Map<FigureKind, Size>();

/** The width that a figure has, kept up to date. The element may come and go. */
export function useFigureWidth(kind: FigureKind = 'column'): FigureWidth {
  const [element, setElement] = useState<HTMLDivElement | null>(null);
  const [size, setSize] = useState<Size>(() => measured.get(kind) ?? UNKNOWN);
  useLayoutEffect(() => {
    if (element === null) return;
    const take = (pixels: number): void => {
      const scale = parseFloat(getComputedStyle(document.documentElement).fontSize) / 16;
      const width = Math.floor(pixels / scale);
      const next = { width, scale };
      measured.set(kind, next);
      setSize((old) => (old.width === width && old.scale === scale ? old : next));
    };
    // Told after the layout that happens anyway: asking would lay out the page there and then.
    const observer = new ResizeObserver(([entry]) => {
      if (entry !== undefined) take(entry.contentRect.width);
    });
    observer.observe(element);
    return () => {
      observer.disconnect();
    };
  }, [element, kind]);
  return { ref: setElement, ...size };
}
