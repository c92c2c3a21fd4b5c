import { startTransition, useLayoutEffect, useState, type RefCallback } from 'react';
import { whenIdle } from './idle';

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

/** Milliseconds. */
const ASKED_AT_LATEST = 4000;

/** What the last figure of a kind measured: the next one begins with it and is drawn once, not twice. */
const measured = new Map<FigureKind, Size>();

/** The width that a figure has, kept up to date. The element may come and go. */
export function useFigureWidth(kind: FigureKind = 'column'): FigureWidth {
  const [element, setElement] = useState<HTMLDivElement | null>(null);
  const [size, setSize] = useState<Size>(() => measured.get(kind) ?? UNKNOWN);
  useLayoutEffect(() => {
    if (element === null) return;
    let told = false;
    const take = (next: Size): void => {
      told = true;
      measured.set(kind, next);
      setSize((old) => (old.width === next.width && old.scale === next.scale ? old : next));
    };
    // Told after the layout that happens anyway: asking would lay out the page there and then.
    const observer = new ResizeObserver(([entry]) => {
      if (entry !== undefined) take(sizeOf(entry.contentRect.width));
    });
    observer.observe(element);
    // Nothing is told of what is too far away to be laid out: that is asked when the page has nothing else to do, so that it is drawn before
    // anybody gets there.
    whenIdle(() => {
      if (told || !element.isConnected) return;
      startTransition(() => {
        take(measured.get(kind) ?? sizeOf(element.clientWidth));
      });
    }, ASKED_AT_LATEST);
    return () => {
      told = true;
      observer.disconnect();
    };
  }, [element, kind]);
  return { ref: setElement, ...size };
}

function sizeOf(pixels: number): Size {
  const scale = parseFloat(getComputedStyle(document.documentElement).fontSize) / 16;
  return { width: Math.floor(pixels / scale), scale };
}
