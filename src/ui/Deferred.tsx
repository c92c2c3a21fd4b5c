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
import { inSteps } from './steps';

let begun = 0;

const Depth = createContext(0);

/**
 * Draws its children one after the other, each after what stands above it is on the screen, in slices that leave the page responsive:
 * the verdict and the first figure are there a moment earlier. Once all are drawn, what joins them is drawn at once. May stand inside another.
 */
export function Later(props: {
  readonly children: ReactNode;
  /** How many of them are drawn together with what is around them. */
  readonly first?: number;
}): ReactElement {
  const parts = Children.toArray(props.children);
  const [drawn, setDrawn] = useState(props.first ?? 0);
  const [order] = useState(() => begun++);
  const depth = useContext(Depth) + 1;
  const all = parts.length;
  useEffect(() => {
    if (drawn >= all) return undefined;
    return inSteps({
      depth,
      order,
      run: () => {
        startTransition(() => {
          setDrawn((n) => (n + 1 < all ? n + 1 : Infinity));
        });
      },
    });
  }, [drawn, all, depth, order]);
  return <Depth value={depth}>{parts.slice(0, drawn)}</Depth>;
}
