import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { tuningFile, tuningFileStore } from '../../src/cli/files/tuning-file';

const folder = mkdtempSync(join(tmpdir(), 'moescope-tuning-'));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

test('choices are kept from one store to the next, beside those of other keys', () => {
  const file = join(folder, 'deep', 'tuning.json');
  expect(tuningFileStore(file).get('a')).toBeUndefined();
  tuningFileStore(file).set('a', '{"dots":"own"}');
  tuningFileStore(file).set('b', 'x');
  expect([tuningFileStore(file).get('a'), tuningFileStore(file).get('b')]).toEqual(['{"dots":"own"}', 'x']);
});

test('a file that is damaged or cannot be written is no failure', () => {
  const file = join(folder, 'damaged.json');
  writeFileSync(file, '{"a": 3, "b": "kept"');
  expect(tuningFileStore(file).get('b')).toBeUndefined();
  writeFileSync(file, '{"a": 3, "b": "kept"}');
  expect([tuningFileStore(file).get('a'), tuningFileStore(file).get('b')]).toEqual([undefined, 'kept']);
  tuningFileStore(join(file, 'below')).set('a', 'x');
  expect(readFileSync(file, 'utf8')).toBe('{"a": 3, "b": "kept"}');
});

test('the file lies where each system keeps what may be deleted', () => {
  const name = join('moescope', 'decode-tuning.json');
  expect(tuningFile({ XDG_CACHE_HOME: '/c' }, 'linux')).toBe(join('/c', name));
  expect(tuningFile({}, 'linux')).toBe(join(homedir(), '.cache', name));
  expect(tuningFile({}, 'darwin')).toBe(join(homedir(), 'Library/Caches', name));
  expect(tuningFile({ LOCALAPPDATA: '/l' }, 'win32')).toBe(join('/l', name));
});
