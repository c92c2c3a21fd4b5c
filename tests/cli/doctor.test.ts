// First: it replaces what others import.
import { runCliHere } from './cli-here';
import { expect, test } from 'vitest';
import { plainText } from '../../src/base/foreign-text';
import { doctorText } from '../../src/cli/doctor/doctor-text';
import { driverReason, type Examination } from '../../src/cli/doctor/examine';
import { nodeGpu } from '../../src/gpu/node-device';

test('doctor says what this machine has, as text and as JSON', async () => {
  const { status, out } = await runCliHere('doctor', '--json', '-');
  const found = JSON.parse(out) as Examination;
  expect(found).toMatchObject({ schema: 'moescope-doctor/1', machine: { node: process.version } });
  expect(found.adapters.map(({ kind }) => kind)).toEqual(['hardware', 'software']);
  // The test machine has a software adapter at least.
  const software = found.adapters.find(({ kind }) => kind === 'software')?.adapter;
  expect(software?.isSoftware).toBe(true);
  expect(software?.limits['maxStorageBufferBindingSize']).toBeGreaterThan(0);
  expect(status).toBe(0);
  expect(found.devices.length).toBeGreaterThan(0);
  const text = plainText(doctorText(found));
  expect(text).toContain(`--device 1  ${found.devices[0]?.name ?? ''} (`);
  expect(text).toContain('(SOFTWARE adapter)');
  expect(text).toContain('maxStorageBufferBindingSize');
  expect(text).toMatch(/^RUNS: trace/m);
});

test('a software adapter is found where looking for hardware found no driver', async () => {
  const named = process.env['VK_ICD_FILENAMES'];
  process.env['VK_ICD_FILENAMES'] = '/no/such/driver.json';
  try {
    expect(await nodeGpu().requestAdapter()).toBeNull();
  } finally {
    if (named === undefined) delete process.env['VK_ICD_FILENAMES'];
    else process.env['VK_ICD_FILENAMES'] = named;
  }
  expect(await nodeGpu().requestAdapter()).not.toBeNull();
});

test('a driver that is absent is installed by one command, and one that is broken says why', () => {
  const absent = Object.assign(new Error("Cannot find package 'playwright-core'"), { code: 'ERR_MODULE_NOT_FOUND' });
  expect(driverReason(absent)).toBe('playwright-core is not installed beside MoEscope: npm install playwright-core');
  expect(driverReason(new Error('bad header'))).toBe('playwright-core cannot be loaded: bad header');
});

test('a machine without any adapter is told why, and what runs all the same', () => {
  const text = plainText(
    doctorText({
      schema: 'moescope-doctor/1',
      tool: { name: 'moescope', version: 'dev', commit: 'unknown' },
      machine: { platform: 'linux-x64', node: 'v20', cores: 2, memoryBytes: 1e9 },
      adapters: (['hardware', 'software'] as const).map((kind) => ({
        kind,
        why: 'no\x1b[2J driver',
        remedy: 'Install one.',
      })),
      devices: [],
      chromium: { driver: false, why: 'playwright-core cannot be loaded' },
    }),
  );
  expect(text).toContain('  hardware  none: no\\x1b[2J driver\n            Install one.\n');
  expect(text).toContain('NO ADAPTER: only the reference runs here (--engines exact)');
});

test.each([
  ['file:///m.gguf', 'Give the path without file://'],
  ['ftp://h/m.gguf', 'Addresses that begin with ftp: are not read'],
  ['-', 'not read from standard input'],
])('a model at %s is told why not', async (name, expected) => {
  const { status, err } = await runCliHere('inspect', name);
  expect(status).toBe(2);
  expect(err).toContain(expected);
});

test('ids in the place of a count are told so', async () => {
  expect((await runCliHere('generate', 'm.gguf', '--tokens', '9707,1917')).err).toContain('Give ids with --ids.');
});
