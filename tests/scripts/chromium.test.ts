import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { findChromium, softwareGpuEnvironment, swiftshaderIcd } from '../../scripts/lib/chromium.mjs';

const folder = mkdtempSync(join(tmpdir(), 'moescope-chromium-'));

afterAll(() => {
  rmSync(folder, { recursive: true });
});

test('CHROME_PATH goes before everything', () => {
  expect(findChromium({ CHROME_PATH: '/some/where/chrome' })).toBe('/some/where/chrome');
});

test('the software GPU is found beside the program that a link leads to', () => {
  writeFileSync(join(folder, 'chrome'), '');
  writeFileSync(join(folder, 'vk_swiftshader_icd.json'), '{}');
  symlinkSync(join(folder, 'chrome'), join(folder, 'link'));
  expect(swiftshaderIcd(join(folder, 'link'))).toBe(join(folder, 'vk_swiftshader_icd.json'));
});

test('a driver that the person has chosen stays', () => {
  expect(softwareGpuEnvironment(join(folder, 'chrome'), { VK_ICD_FILENAMES: '/my/icd.json' })).toEqual({});
  expect(softwareGpuEnvironment(join(folder, 'chrome'), { VK_DRIVER_FILES: '/my/icd.json' })).toEqual({});
});

test('the tests run with a browser, and on Linux with its software GPU', () => {
  expect(findChromium()).toBeDefined();
  if (process.platform === 'linux')
    expect(process.env['VK_ICD_FILENAMES'] ?? process.env['VK_DRIVER_FILES']).toBeDefined();
});
