import { inSteps } from './steps';

/** Blocks of the trace, which lay out and paint by themselves (`contain` in plots.css). */
const BLOCKS = '#trace > :not(.panels), .routing > *, .routing > .pair > *';

const known = new WeakSet<Element>();

/**
 * Lets blocks that were drawn a moment ago come in three tasks instead of one: drawn, laid out, shown. Until then they take no room. Called
 * between drawing and the next frame.
 */
export function arrive(): void {
  for (const block of document.querySelectorAll<HTMLElement>(BLOCKS)) {
    if (known.has(block)) continue;
    known.add(block);
    block.classList.add('arriving');
    // Before anything else is drawn.
    const now = { depth: Infinity, order: 0 };
    inSteps({ ...now, run: () => block.firstElementChild?.getBoundingClientRect() });
    inSteps({
      ...now,
      run: () => {
        block.classList.remove('arriving');
      },
    });
  }
}
