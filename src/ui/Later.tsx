import {
  Children,
  createContext,
  startTransition,
  useContext,
  useEffect,
  useState,
  type ReactElement,
  type ReactNode,
} from 'react';

interface Step {
  readonly depth: number;
  readonly draw: () => void;
}

const waiting: Step[] = [];
let timer: ReturnType<typeof setTimeout> | undefined;

/** One step of all that wait, a task each: input comes in between. What is inside comes before what stands below. */
function next(): void {
  timer = undefined;
  const deepest = waiting.reduce((depth, step) => Math.max(depth, step.depth), 0);
  const at = waiting.findIndex((step) => step.depth === deepest);
  const [step] = at < 0 ? [] : waiting.splice(at, 1);
  step?.draw();
  if (waiting.length > 0) timer = setTimeout(next, 0);
}

const Depth = createContext(0);

/**
 * Draws its children one after the other, each after what stands above it is on the screen, in slices that leave the page responsive:
 * the verdict and the first figure are there a moment earlier. Once drawn they stay. May stand inside another.
 */
export function Later({ children }: { readonly children: ReactNode }): ReactElement {
  const parts = Children.toArray(children);
  const [drawn, setDrawn] = useState(0);
  const depth = useContext(Depth) + 1;
  const all = parts.length;
  useEffect(() => {
    if (drawn >= all) return undefined;
    const step: Step = {
      depth,
      draw: () => {
        startTransition(() => {
          setDrawn((n) => n + 1);
        });
      },
    };
    waiting.push(step);
    timer ??= setTimeout(next, 0);
    return () => {
      const at = waiting.indexOf(step);
      if (at >= 0) waiting.splice(at, 1);
    };
  }, [drawn, all, depth]);
  return <Depth value={depth}>{parts.slice(0, drawn)}</Depth>;
}
