import { beforeAll, describe, expect, it } from 'vitest';
import type { GpuContext } from '../../../src/gpu/device';
import { SharedDevice } from '../../../src/gpu/shared-device';
import { defaultBudget, roomyBudget } from '../../../src/gpu/weights/budget';
import { testContext } from '../../support/gpu';

const GIB = 2 ** 30;

/** A device with room for so many buffers of 1 GiB, which counts those that are there. */
function deviceWith(room: number): GPUDevice & { readonly there: () => number } {
  let there = 0;
  let refused = false;
  const device = {
    limits: { maxBufferSize: 2 ** 40 },
    pushErrorScope: () => undefined,
    createBuffer: () => {
      refused = there >= room;
      if (!refused) there++;
      let counted = !refused;
      return {
        destroy: () => {
          if (counted) there--;
          counted = false;
        },
      };
    },
    popErrorScope: () => Promise.resolve(refused ? new Error('out of memory') : null),
    there: () => there,
  };
  return device as unknown as GPUDevice & { readonly there: () => number };
}

const contextOf = (device: GPUDevice, refusesMemory: boolean): GpuContext =>
  ({ device, refusesMemory, card: { isSoftware: false } }) as unknown as GpuContext;

/** WebGPU's constants come with the first device. */
beforeAll(() => testContext());

describe('the budget of a driver that refuses memory', () => {
  it('is four fifths of what it gives, where a model needs that much', async () => {
    const device = deviceWith(20);
    expect(await roomyBudget(contextOf(device, true), 18 * GIB)).toBe(16 * GIB);
    expect(device.there()).toBe(0);
  });

  it('is not asked for more than a model needs, nor falls below what is taken unasked', async () => {
    const roomy = await roomyBudget(contextOf(deviceWith(200), true), 18 * GIB);
    expect(roomy).toBeGreaterThanOrEqual(18 * GIB);
    expect(roomy).toBeLessThan(19 * GIB);
    expect(await roomyBudget(contextOf(deviceWith(2), true), 18 * GIB)).toBe(8 * GIB);
  });

  it('counts what has its room already, and asks for the rest alone', async () => {
    const device = deviceWith(200);
    let most = 0;
    const held = (): number => {
      most = Math.max(most, device.there());
      return 5.3 * GIB;
    };
    const roomy = await roomyBudget(contextOf(device, true), 18.2 * GIB, held);
    expect(roomy).toBeGreaterThanOrEqual(18.2 * GIB);
    expect(roomy).toBeLessThan(19.2 * GIB);
    // (18.2 - 0.8 x 5.3) / 0.8
    expect(most).toBe(18);
    expect(device.there()).toBe(0);
    // A card that is full by then.
    expect(await roomyBudget(contextOf(deviceWith(6), true), 18 * GIB, held)).toBe(Math.floor(0.8 * 11.3 * GIB));
  });

  it('is cautious where the driver pages out what it has no room for', async () => {
    const context = contextOf(deviceWith(200), false);
    expect(await roomyBudget(context, 18 * GIB)).toBe(defaultBudget(context));
  });

  it('reaches every session that shares the device', async () => {
    const owner = await testContext();
    owner.refusesMemory = true;
    const shared = new SharedDevice(() => Promise.resolve(owner));
    expect((await shared.context()).refusesMemory).toBe(true);
  });
});
