import { keepForOffline } from './offline/register';
import { isFramed, refuseFrame } from './ui/framed';
import { browserHost } from './ui/browser-host';
import { mountPage } from './ui/mount-page';
import { createEngineClient } from './worker/client';

/** Loaded when it is asked for: the first load is the trace's. */
async function showSelftest(page: Element): Promise<void> {
  const [{ mountSelftest }, { createSelftestClient }] = await Promise.all([
    import('./ui/selftest/mount-selftest'),
    import('./worker/selftest-client'),
  ]);
  mountSelftest(page, createSelftestClient(), browserHost());
}

const page = document.querySelector('#page');
if (page !== null && isFramed()) refuseFrame(page, location.href);
const begun =
  page === null || isFramed()
    ? undefined
    : new URLSearchParams(location.search).has('selftest')
      ? showSelftest(page)
      : mountPage(page, createEngineClient(), browserHost());
// What is kept is fetched again: that is nothing to begin with.
void begun?.finally(keepForOffline);
