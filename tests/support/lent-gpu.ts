import { expect } from 'vitest';
import type { Host } from '../../src/session/host';
import { GpuContext } from '../../src/gpu/device';
import { testContext } from './gpu';
import { TEST_HOST } from './session';

class LentContext extends GpuContext {
  override dispose(): void {
    expect(this.bytes, 'bytes of buffers that were never destroyed').toBe(0);
    super.dispose();
  }
}

/** A host for a file of many sessions, one after the other. A session that leaves a buffer behind fails. */
export function lendingHost(): Host {
  return {
    ...TEST_HOST,
    openGpu: async () => {
      const { device, card } = await testContext();
      return new LentContext(device, card, true);
    },
  };
}
