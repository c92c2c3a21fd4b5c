import { describe, expect, it } from 'vitest';
import { checkAdapter, type AdapterDemand } from '../../src/playwright/adapter-demand';
import { webgpu } from '../../src/playwright/webgpu';

const H100 = { vendor: 'nvidia', architecture: 'hopper', device: '', description: 'NVIDIA H100 80GB HBM3' };
const GPU = { ...H100, isSoftware: false };
const SOFT = {
  vendor: 'google',
  architecture: 'swiftshader',
  device: '',
  description: 'SwiftShader',
  isSoftware: true,
};

describe('a demanded adapter', () => {
  it.each<readonly [AdapterDemand, boolean, boolean]>([
    ['any', true, true],
    ['hardware', true, false],
    ['software', false, true],
    [{ vendor: 'NVIDIA' }, true, false],
    [{ vendor: 'amd' }, false, false],
    [{ vendor: 'google', architecture: 'swiftshader' }, false, true],
    [{ vendor: 'nvidia', architecture: 'ampere' }, false, false],
    [{ description: 'h100' }, true, false],
    [{}, true, true],
  ])('%j: the GPU passes %s, SwiftShader %s', (demand, gpu, soft) => {
    const passes = (adapter: typeof GPU): boolean => {
      try {
        checkAdapter(adapter, demand);
        return true;
      } catch (error) {
        expect(error).toMatchObject({ code: 'gpu-adapter' });
        return false;
      }
    };
    expect([passes(GPU), passes(SOFT)]).toEqual([gpu, soft]);
  });

  it('says what is demanded and what is there, and calls software software', () => {
    expect(() => {
      checkAdapter(SOFT, { vendor: 'nvidia', architecture: 'hopper' });
    }).toThrow(
      'The test demands an adapter of vendor nvidia, architecture hopper; the browser has google swiftshader SwiftShader (software).',
    );
  });
});

describe('webgpu()', () => {
  it('starts Chromium for the adapter that it demands, with what else is asked for', () => {
    const software = webgpu('software', { executablePath: '/usr/bin/chromium', args: ['--mute-audio'] });
    expect(software).toMatchObject({ browserName: 'chromium', moescope: { adapter: 'software' } });
    expect(software.launchOptions.executablePath).toBe('/usr/bin/chromium');
    expect(software.launchOptions.args).toEqual(
      expect.arrayContaining(['--use-webgpu-adapter=swiftshader', '--mute-audio']),
    );
    const gpu = webgpu({ vendor: 'nvidia' });
    expect(gpu.launchOptions.args).toContain('--enable-features=Vulkan');
    expect(gpu.launchOptions.args).not.toContain('--use-webgpu-adapter=swiftshader');
  });
});
