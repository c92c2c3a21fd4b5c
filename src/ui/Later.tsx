import { Children, startTransition, useEffect, useState, type ReactElement, type ReactNode } from 'react';

/**
 * Draws its children one after the other, each after what stands above it is on the screen, in slices that leave the page responsive:
 * the verdict and the first figure are there a moment earlier. Once drawn they stay.
 */
export function Later({ children }: { readonly children: ReactNode }): ReactElement {
  const parts = Children.toArray(children);
  const [drawn, setDrawn] = useState(0);
  const all = parts.length;
  useEffect(() => {
    if (drawn >= all) return undefined;
    // A task of its own for each part: input comes in between.
    const timer = setTimeout(() => {
      startTransition(() => {
        setDrawn((n) => n + 1);
      });
    }, 0);
    return () => {
      clearTimeout(timer);
    };
  }, [drawn, all]);
  return <>{parts.slice(0, drawn)}</>;
}
