import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { expect, test, type CDPSession, type Page } from '@playwright/test';
import { gpuMemory, heaps, watchGpuMemory } from './support/memory';
import { pageState, runButton, typeIds } from './support/page';

/** How many traces; docs/reliability.md has the figures of 200. */
const TRACES = Number(process.env['MOESCOPE_SOAK'] ?? 8);
/** Traces until caches, compiled code and pools are as they stay. */
const WARM = Math.min(20, Math.ceil(TRACES / 2));
/**
 * What the JavaScript heaps may grow by from there to the end, bytes. Measured: 0.9 MB from 20 to 200 traces, most of it in the first of
 * them. Reports that stayed would show: each is hundreds of kilobytes.
 */
const HEAP_GROWTH = 2 ** 20;
/** Looks at the heaps, and the time between two. */
const LOOKS = 4;
const BETWEEN_LOOKS_MS = 300;

test(`${TRACES} traces in one page leave nothing behind on the GPU or the heap`, async ({ page }, testInfo) => {
  test.setTimeout(120_000 + TRACES * 15_000);
  await watchGpuMemory(page);
  await page.goto('/?model=sample/tiny-moe-6x16-Q4_K_M.gguf');
  expect(await pageState(page, 'ready')).toBe('ready');
  await typeIds(page, '605, 432');
  const session = await page.context().newCDPSession(page);
  const figures = [];
  for (let n = 1; n <= TRACES; n++) {
    await runButton(page).click();
    expect(await pageState(page, 'running', 'done')).toMatch(/running|done/);
    expect(await pageState(page, 'done', 'error')).toBe('done');
    if (n !== WARM && n !== TRACES && n % 100 !== 0) continue;
    figures.push({
      n,
      gpu: await gpuMemory(page),
      heap: await settledHeaps(page, session),
      resident: await residentBytes(page),
    });
  }
  await testInfo.attach('memory', { body: JSON.stringify(figures), contentType: 'application/json' });
  mkdirSync('test-results', { recursive: true });
  writeFileSync(`test-results/soak-${TRACES}.json`, `${figures.map((figure) => JSON.stringify(figure)).join('\n')}\n`);
  const [warm, last] = [figures[0], figures.at(-1)];
  if (warm === undefined || last === undefined) throw new Error('nothing was measured');
  expect(last.gpu).toEqual(warm.gpu);
  expect(last.heap.page - warm.heap.page).toBeLessThan(HEAP_GROWTH);
  expect(last.heap.workers - warm.heap.workers).toBeLessThan(HEAP_GROWTH);
});

/** The heaps once what a run leaves to do behind it is done, its being kept for the list of runs among it: the least of a few looks. */
async function settledHeaps(page: Page, session: CDPSession): Promise<Awaited<ReturnType<typeof heaps>>> {
  let least = await heaps(session);
  for (let look = 1; look < LOOKS; look++) {
    await page.waitForTimeout(BETWEEN_LOOKS_MS);
    const now = await heaps(session);
    least = { page: Math.min(least.page, now.page), workers: Math.min(least.workers, now.workers) };
  }
  return least;
}

/** Memory that the browser's processes hold resident now, bytes by kind of process. */
async function residentBytes(page: Page): Promise<Readonly<Record<string, number>>> {
  const session = await page.context().browser()?.newBrowserCDPSession();
  if (session === undefined) return {};
  const { processInfo } = await session.send('SystemInfo.getProcessInfo');
  await session.detach();
  const bytes: Record<string, number> = {};
  for (const { type, id } of processInfo) bytes[type] = (bytes[type] ?? 0) + residentOf(id);
  return bytes;
}

function residentOf(pid: number): number {
  try {
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) * 1024;
  } catch {
    return 0;
  }
}
