import type { ReactElement } from 'react';

/** What the two curves of a panel are, where their names do not stand beside them. */
export function CurveKey(): ReactElement {
  return (
    <>
      <b className="key-free">●</b> and solid: free-running, <b className="key-isolated">□</b> and dashed: isolated.
    </>
  );
}
