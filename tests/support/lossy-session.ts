import type { GpuContext } from '../../src/gpu/device';
import type { ModelSession } from '../../src/session/model-session';
import { TEST_HOST, testSession } from './session';

/** A device that can be taken away. */
export interface LosableDevice {
  readonly context: GpuContext;
  lose(): void;
}

export type OpenDevice<D extends LosableDevice = LosableDevice> = (nth: number) => Promise<D>;

/** A session whose devices can be taken away, with the devices that it opened, in order. */
export async function lossySession<D extends LosableDevice>(
  model: Uint8Array<ArrayBuffer>,
  open: OpenDevice<D>,
): Promise<{ readonly session: ModelSession; readonly devices: readonly D[] }> {
  const devices: D[] = [];
  const session = await testSession(model, {
    ...TEST_HOST,
    openGpu: async () => {
      const device = await open(devices.length);
      devices.push(device);
      return device.context;
    },
  });
  return { session, devices };
}
