import { fileURLToPath } from 'node:url';
import type { Page } from '@playwright/test';
import { createServer } from 'vite';
import { assemblyScript } from '../../scripts/lib/assemblyscript.mjs';
import type { RunSpec } from '../../src/session/events';
import type { HarnessRun } from './protocol';

/** The engine in a page of its own, from source. */
export interface HarnessServer {
  /** Loads the engine in `page`. */
  load(page: Page): Promise<HarnessPage>;
  close(): Promise<void>;
}

export interface HarnessPage {
  /** Opens a golden model, or the sample (`tiny-moe-6x16`), in place of the one before. */
  open(model: string): Promise<void>;
  /** @param captures whether every captured tensor comes back too */
  trace(spec: RunSpec, options?: { readonly captures?: boolean }): Promise<HarnessRun>;
}

export async function startHarness(): Promise<HarnessServer> {
  const root = fileURLToPath(new URL('../..', import.meta.url));
  const server = await createServer({
    configFile: false,
    root,
    plugins: [assemblyScript()],
    worker: { format: 'es', plugins: () => [assemblyScript()] },
    logLevel: 'error',
    server: { port: 0, hmr: false, watch: null },
    optimizeDeps: { entries: ['e2e/harness/main.ts'] },
  });
  await server.listen();
  const base = server.resolvedUrls?.local[0] ?? '';
  return {
    async load(page) {
      await page.goto(`${base}e2e/harness/index.html`);
      await page.waitForFunction(() => 'harness' in window);
      return {
        open: (model) => page.evaluate((address) => window.harness.open(address), addressOf(model)),
        trace: (spec, { captures = false } = {}) =>
          page.evaluate((request) => window.harness.trace(...request), [spec, captures] as const),
      };
    },
    close: () => server.close(),
  };
}

function addressOf(model: string): string {
  return model === 'tiny-moe-6x16' ? '/public/sample/tiny-moe-6x16-Q4_K_M.gguf' : `/tests/golden/${model}/model.gguf`;
}
