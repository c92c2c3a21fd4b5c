import { useLayoutEffect, useState, type RefCallback } from 'react';

/** Figures are laid out in units of which 16 make a root em, so that they grow with the page's type on very large screens. */
export interface FigureWidth {
  readonly ref: RefCallback<HTMLDivElement>;
  /** Layout units; 0 until measured. */
  readonly width: number;
  /** CSS pixels a layout unit. */
  readonly scale: number;
}

/** The width that a figure has, kept up to date. The element may come and go. */
export function useFigureWidth(): FigureWidth {
  const [element, setElement] = useState<HTMLDivElement | null>(null);
  const [size, setSize] = useState({ width: 0, scale: 1 });
  useLayoutEffect(() => {
    if (element === null) return;
    const measure = (): void => {
      const scale = parseFloat(getComputedStyle(document.documentElement).fontSize) / 16;
      const width = Math.floor(element.clientWidth / scale);
      setSize((old) => (old.width === width && old.scale === scale ? old : { width, scale }));
    };
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    measure();
    return () => {
      observer.disconnect();
    };
  }, [element]);
  return { ref: setElement, ...size };
}
