import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { expect, test } from '@playwright/test';
import { ScriptWork } from './support/script-work';

/** When a first visit has come to rest, the stories' own maps included, on any machine; milliseconds. */
const REST_MS = 4000;
/** Blocks of code that a first visit may run: a quarter more than it does. The time is measured by `verification/browser/page-times.spec.ts`. */
const MOST_BLOCKS = 870_000;
/** The same of the document's nodes. */
const MOST_NODES = 1900;
/** Bytes of all script that runs on the page's thread before it has come to rest, packed as a server sends it. */
const SCRIPT_BYTES = 200_000;

const DIST = fileURLToPath(new URL('../dist/', import.meta.url));

test('a first visit runs little code', async ({ page }) => {
  const work = await ScriptWork.of(page);
  await page.goto('./');
  await expect(page.getByRole('group', { name: /^Map, / })).toBeVisible();
  await page.waitForTimeout(REST_MS);
  const [blocks, nodes] = [await work.blocks(), await work.nodes()];
  process.stdout.write(`first visit: ${blocks.toLocaleString('en')} blocks, ${nodes.toLocaleString('en')} nodes\n`);
  // Without a finding, a map and an inspector this would be a page that draws nothing.
  expect(blocks).toBeGreaterThan(MOST_BLOCKS / 10);
  expect(blocks).toBeLessThan(MOST_BLOCKS);
  expect(nodes).toBeGreaterThan(MOST_NODES / 10);
  expect(nodes).toBeLessThan(MOST_NODES);
});

test('the script of a first visit is small', async ({ page }) => {
  const scripts = new Set<string>();
  page.on('request', (request) => {
    // The engine's worker computes on a thread of its own, and starts when the page is drawn.
    const name = /\/(assets\/[^/?]+\.js)$/.exec(request.url())?.[1];
    if (name !== undefined && !name.includes('worker')) scripts.add(name);
  });
  await page.goto('./');
  await expect(page.getByTestId('inspector')).toBeVisible();
  await page.waitForLoadState('networkidle');
  expect(scripts.size).toBeGreaterThan(1);
  const bytes = [...scripts].reduce((sum, name) => sum + gzipSync(readFileSync(`${DIST}${name}`)).length, 0);
  process.stdout.write(`first script: ${(bytes / 1000).toFixed(0)} kB packed, ${String(scripts.size)} files\n`);
  expect(bytes).toBeLessThan(SCRIPT_BYTES);
});
