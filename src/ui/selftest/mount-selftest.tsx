import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import type { ErrorData } from '../../base/errors';
// Puts `window.moescopeSelftest` among what a window may have.
import type { SelftestAutomation } from '../../selftest/automation';
import type { SelftestClient } from '../../selftest/selftest-client';
import type { SelftestReport } from '../../selftest/selftest-report';
import '../styles/fonts.css';
import '../styles/tokens.css';
import '../styles/base.css';
import '../styles/selftest.css';
import { orderOfAddress } from './selftest-state';
import { SelftestPage, type SelftestHost } from './SelftestPage';

/** Mounts the self-test on an element, over any client, and runs it. */
export function mountSelftest(element: Element, client: SelftestClient, host: SelftestHost): void {
  let settle: (outcome: SelftestReport | ErrorData) => void = () => undefined;
  const outcome = new Promise<SelftestReport | ErrorData>((resolve) => {
    settle = resolve;
  });
  const automation: SelftestAutomation = { outcome: () => outcome };
  window.moescopeSelftest = automation;
  document.title = 'MoEscope: self-test';
  const order = orderOfAddress(location.search);
  createRoot(element).render(
    <StrictMode>
      <SelftestPage
        client={client}
        host={host}
        order={order}
        onOutcome={(ended) => {
          settle(ended);
        }}
      />
    </StrictMode>,
  );
}
