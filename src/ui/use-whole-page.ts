import { useEffect } from 'react';
import { whenIdle } from './idle';

/** Milliseconds after which a page that nobody has scrolled is made whole. */
const RESTED = 10_000;
/** A page that is never idle goes on after this long all the same; milliseconds. */
const AT_LATEST = 2000;

/**
 * Blocks far from the window are left out of layout (styles/blocks.css), and then also of what Chromium tells screen readers. They are laid out
 * for good when the page has rested, one in each idle moment; and at once for a picture of the whole page. Whoever takes one has the browser lay
 * the page out in a window as large, without a word of it: the page is told of a new size, and has the old one.
 */
export function useWholePage(): void {
  useEffect(() => {
    let size = windowSize();
    const resized = (): void => {
      const now = windowSize();
      if (now === size) makeWhole();
      size = now;
    };
    window.addEventListener('resize', resized);
    const rest = setTimeout(nextBlock, RESTED);
    return () => {
      window.removeEventListener('resize', resized);
      clearTimeout(rest);
    };
  }, []);
}

function makeWhole(): void {
  document.documentElement.dataset['whole'] = '';
}

function nextBlock(): void {
  const far = [...document.querySelectorAll<HTMLElement>('#trace > *, .routing > *, .pair > *')].find(
    (block) => getComputedStyle(block).getPropertyValue('content-visibility') === 'auto',
  );
  if (far === undefined) {
    makeWhole();
    return;
  }
  far.style.setProperty('--far', 'visible');
  // After the frame that lays it out.
  requestAnimationFrame(() => {
    whenIdle(nextBlock, AT_LATEST);
  });
}

function windowSize(): string {
  return [window.innerWidth, window.innerHeight, window.devicePixelRatio].join();
}
