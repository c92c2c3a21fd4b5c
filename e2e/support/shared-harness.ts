import { test } from '@playwright/test';
import type { HarnessCapture } from '../harness/protocol';
import { startHarness, type HarnessPage, type HarnessServer } from '../harness/server';

/** One page for all tests of a file, and with it one device, which compiles each kernel once. */
export function sharedHarness(): () => HarnessPage {
  let server: HarnessServer;
  let harness: HarnessPage;
  test.beforeAll(async ({ browser }) => {
    server = await startHarness();
    harness = await server.load(await browser.newPage());
  });
  test.afterAll(() => server.close());
  return () => harness;
}

/** The values of a capture. @param isIndex expert ids */
export function valuesOf(captured: HarnessCapture, isIndex: boolean): Float32Array | Uint32Array {
  const { buffer } = Uint8Array.from(Buffer.from(captured.base64, 'base64'));
  return isIndex ? new Uint32Array(buffer) : new Float32Array(buffer);
}
