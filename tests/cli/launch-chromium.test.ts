import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { launchChromium } from '../../src/cli/browser/launch-chromium';

const launch = vi.hoisted(() => vi.fn<(options: Readonly<Record<string, unknown>>) => Promise<object>>());
vi.mock('playwright-core', () => ({ chromium: { launch } }));

const BROWSER = {};
/** Whether the sandbox was asked for, try by try. */
const sandboxes = (): readonly unknown[] => launch.mock.calls.map(([options]) => options['chromiumSandbox']);

beforeEach(() => {
  vi.stubEnv('CHROME_PATH', '/some/chrome');
  vi.spyOn(process, 'getuid').mockReturnValue(1000);
  launch.mockReset().mockResolvedValue(BROWSER);
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
});

describe("Chromium's sandbox", () => {
  test('is on, and nothing that is passed turns it off', async () => {
    expect(await launchChromium(['--enable-unsafe-webgpu'])).toBe(BROWSER);
    expect(sandboxes()).toEqual([true]);
    expect(launch.mock.calls[0]?.[0]).toMatchObject({
      executablePath: '/some/chrome',
      headless: true,
      args: ['--enable-unsafe-webgpu'],
    });
  });

  test('is off for root, who has none', async () => {
    vi.spyOn(process, 'getuid').mockReturnValue(0);
    await launchChromium([]);
    expect(sandboxes()).toEqual([false]);
  });

  test('is off where the kernel allows none, after it was tried', async () => {
    launch.mockRejectedValueOnce(new Error('No usable sandbox! Update your kernel'));
    expect(await launchChromium([])).toBe(BROWSER);
    expect(sandboxes()).toEqual([true, false]);
  });

  test('stays on when Chromium does not start for another reason', async () => {
    launch.mockRejectedValue(new Error('error while loading shared libraries: libnss3.so'));
    await expect(launchChromium([])).rejects.toMatchObject({ code: 'gpu-unavailable' });
    expect(sandboxes()).toEqual([true]);
  });
});
