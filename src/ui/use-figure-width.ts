import { useLayoutEffect, useState, type RefCallback } from 'react';

/** The width that a figure has in CSS pixels, kept up to date; 0 until measured. */
export function useFigureWidth(): { readonly ref: RefCallback<HTMLElement>; readonly width: number } {
  const [element, setElement] = useState<HTMLElement | null>(null);
  const [width, setWidth] = useState(0);
  useLayoutEffect(() => {
    if (element === null) return undefined;
    setWidth(Math.floor(element.clientWidth));
    const observer = new ResizeObserver(([entry]) => {
      if (entry !== undefined) setWidth(Math.floor(entry.contentRect.width));
    });
    observer.observe(element);
    return () => {
      observer.disconnect();
    };
  }, [element]);
  return { ref: setElement, width };
}
