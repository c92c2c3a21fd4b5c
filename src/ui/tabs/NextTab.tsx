import type { ReactElement } from 'react';
import type { TraceView } from '../../plots/trace-view';
import { BehindPanel } from './BehindPanel';
import { ContinuePanel } from './ContinuePanel';
import { TopTokens } from './TopTokens';

/** What each side would say next, and how the text goes on. */
export function NextTab({ view }: { readonly view: TraceView }): ReactElement {
  return (
    <>
      <TopTokens />
      <BehindPanel />
      <ContinuePanel view={view} />
    </>
  );
}
