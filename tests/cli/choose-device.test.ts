import { expect, test } from 'vitest';
import { TracerError } from '../../src/base/errors';
import { chooseDevice } from '../../src/cli/trace/choose-device';

const named = (...names: readonly string[]): readonly { readonly backend: string; readonly name: string }[] =>
  names.map((name) => ({ backend: 'vulkan', name }));
const MACHINE = named('NVIDIA H200', 'NVIDIA L4', 'SwiftShader Device (Subzero)');

test.each([
  ['1', 'NVIDIA H200'],
  ['3', 'SwiftShader Device (Subzero)'],
  ['l4', 'NVIDIA L4'],
  ['swift', 'SwiftShader Device (Subzero)'],
])('%s is %s', (wanted, name) => {
  expect(chooseDevice(wanted, MACHINE)).toBe(name);
});

test.each([
  ['4', MACHINE, /No adapter is "4"/],
  ['0', MACHINE, /No adapter is "0"/],
  ['radeon', MACHINE, /No adapter is "radeon"/],
  ['nvidia', MACHINE, /several adapters/],
  // Dawn would take the first of two that are called alike.
  ['2', named('NVIDIA H200', 'NVIDIA H200'), /cannot be told from number 1/],
  ['2', named('NVIDIA L40', 'NVIDIA L4'), /cannot be told from number 1/],
  ['1', [], /No adapter/],
])('%s of %j is refused, with the list', (wanted, adapters, message) => {
  const choose = (): unknown => chooseDevice(wanted, adapters);
  expect(choose).toThrow(message);
  expect(choose).toThrow(TracerError);
});

test('of two alike the first can be had', () => {
  expect(chooseDevice('1', named('NVIDIA H200', 'NVIDIA H200'))).toBe('NVIDIA H200');
  expect(chooseDevice('h200', named('NVIDIA H200', 'NVIDIA H200'))).toBe('NVIDIA H200');
});
