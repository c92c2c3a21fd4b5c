import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { readAtlasEntry } from '../../src/selftest/atlas/read-entry';
import { runCliHere } from './cli-here';

vi.setConfig({ testTimeout: 120_000 });

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'moescope-atlas-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

const SOME = ['selftest', '--kernel', 'add,top_k', '--quiet'];

test('an entry is shown first, and written with a sign-off alone', async () => {
  const file = join(folder, 'shown.json');
  const shown = await runCliHere(...SOME, '--atlas', file);
  expect(shown.status, shown.err).toBe(0);
  expect(existsSync(file)).toBe(false);
  expect(shown.err).toContain('"moescope-atlas-entry/1"');
  expect(shown.err).toContain('Not written');
  const entries = join(folder, 'entries');
  mkdirSync(entries);
  const written = await runCliHere(...SOME, '--atlas', join(entries, 'a.json'), '--sign-off');
  expect(written.status, written.err).toBe(0);
  const text = readFileSync(join(entries, 'a.json'), 'utf8');
  expect(written.err).toContain(text.trim());
  expect(readAtlasEntry(text)).toMatchObject({ software: true, signedOff: true, browser: 'Dawn in Node' });
  const lone = await runCliHere(...SOME, '--sign-off');
  expect(lone.status).toBe(2);
});

test('entries become a page; what is none is refused by name', async () => {
  const entries = join(folder, 'entries');
  const page = join(folder, 'atlas.html');
  const clean = await runCliHere('atlas', entries, '--out', page);
  expect(clean.status, clean.err).toBe(0);
  expect(readFileSync(page, 'utf8')).toMatch(/no kernel is out of its bound/);
  writeFileSync(join(entries, 'b.json'), readFileSync(join(entries, 'a.json'), 'utf8').replace('"month"', '"user"'));
  writeFileSync(join(entries, 'c.json'), Uint8Array.of(0xff, 0xfe, 0x00));
  symlinkSync('/etc/hostname', join(entries, 'd.json'));
  const mixed = await runCliHere('atlas', entries, '--out', page);
  expect(mixed.status).toBe(2);
  expect(mixed.err).toContain('refused b.json: the file holds what no entry has: user');
  expect(mixed.err).toContain('refused c.json');
  expect(mixed.err).not.toContain('d.json');
  expect(readFileSync(page, 'utf8')).toContain('2 files of the folder are no entry');
});

test('a folder without entries is an error', async () => {
  const { status, err } = await runCliHere('atlas', join(folder, 'none'));
  expect(status).toBe(2);
  expect(err).toContain('cannot be read');
});
