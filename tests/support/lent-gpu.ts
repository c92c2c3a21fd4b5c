import { afterAll, expect } from 'vitest';
import type { Host } from '../../src/session/host';
import { GpuContext } from '../../src/gpu/device';
import { testContext } from './gpu';
import { TEST_HOST } from './session';

/** A context that outlives its sessions: the next one finds its compiled kernels. */
class LentContext extends GpuContext {
  override dispose(): void {
    expect(this.bytes, 'bytes of buffers that were never destroyed').toBe(0);
  }
}

/**
 * A host for a file of many sessions, one after the other: one device, which compiles each kernel once (a second and a half of a core for
 * each device that is spared). A session that leaves a buffer behind fails.
 */
export function lendingHost(): Host {
  let lent: Promise<LentContext> | undefined;
  afterAll(async () => {
    (await lent)?.device.destroy();
  });
  return {
    ...TEST_HOST,
    openGpu: () => (lent ??= testContext().then(({ device, card }) => new LentContext(device, card))),
  };
}
