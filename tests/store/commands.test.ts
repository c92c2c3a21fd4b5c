import { describe, expect, it } from 'vitest';
import { COMMANDS, command, commandForKey, type Command } from '../../src/store/commands';
import { FIRST_STATE, type AppState } from '../../src/store/state';
import { parseTokenIds } from '../../src/store/token-ids';
import { sourceName, sourcesOfUrl } from '../../src/store/page-url';
import { generateReport } from '../support/reports';

const press = (key: string, more: Partial<{ chord: boolean; alt: boolean; typing: boolean }> = {}) => ({
  key,
  chord: false,
  alt: false,
  typing: false,
  ...more,
});
const shown: AppState = { ...FIRST_STATE, recorded: generateReport({ kind: 'qtype-blind', nTokens: 4 }) };
const clean: AppState = { ...FIRST_STATE, recorded: generateReport({ kind: 'clean', nTokens: 4 }) };

describe('commands', () => {
  it('have no key twice', () => {
    const keys = COMMANDS.flatMap((c: Command) => c.keys);
    expect(new Set(keys).size).toBe(keys.length);
    expect(keys.sort().join('')).toBe('+-./0123456=?Escapebcdfgijlmnoprstu');
  });

  it('are meant by their keys only when they can be run', () => {
    expect(commandForKey(press('n'), shown)?.id).toBe('next');
    expect(commandForKey(press('N'), shown)?.id).toBe('next');
    expect(commandForKey(press('n'), clean)).toBeUndefined();
    expect(commandForKey(press('r'), { ...shown, phase: 'running' })).toBeUndefined();
    expect(commandForKey(press('s'), FIRST_STATE)).toBeUndefined();
  });

  it('leave typing, browser shortcuts and people who switched letters off alone', () => {
    expect(commandForKey(press('o', { typing: true }), shown)).toBeUndefined();
    expect(commandForKey(press('s', { chord: true }), shown)).toBeUndefined();
    expect(commandForKey(press('s', { alt: true }), shown)).toBeUndefined();
    expect(commandForKey(press('k', { chord: true, typing: true }), shown)?.id).toBe('palette');
    expect(commandForKey(press('k', { chord: true, alt: true }), shown)).toBeUndefined();
    expect(commandForKey(press('o'), { ...shown, shortcuts: false })).toBeUndefined();
    const running: AppState = { ...shown, phase: 'running', shortcuts: false };
    expect(commandForKey(press('Escape', { typing: true }), running)?.id).toBe('cancel');
  });

  it('mean nothing under a dialog, which closes by itself', () => {
    const open: AppState = { ...shown, phase: 'running', shell: { ...shown.shell, dialog: 'share' } };
    expect(commandForKey(press('Escape'), open)).toBeUndefined();
    expect(commandForKey(press('n'), open)).toBeUndefined();
    expect(commandForKey(press('k', { chord: true }), open)?.id).toBe('palette');
  });

  it('offer cancel only while a run can be cancelled', () => {
    expect(command('cancel').enabled({ ...shown, phase: 'running' })).toBe(true);
    expect(command('cancel').enabled({ ...shown, phase: 'running', cancelling: true })).toBe(false);
    expect(command('cancel').enabled(shown)).toBe(false);
  });
});

describe('token ids', () => {
  it('are read as people paste them', () => {
    expect(parseTokenIds('[9707, 11,1879]\n 0')).toEqual([9707, 11, 1879, 0]);
  });

  it.each([
    ['', 'prompt-empty'],
    [' , ', 'prompt-empty'],
    ['1, -2', 'prompt-token'],
    ['1.5', 'prompt-token'],
    ['0x10', 'prompt-token'],
    ['99999999999999999999', 'prompt-token'],
  ])('refuse %j with %s', (text, code) => {
    expect(() => parseTokenIds(text)).toThrow(expect.objectContaining({ code }));
  });
});

describe('page address', () => {
  it('names models, relative to the page, once a part', () => {
    expect(sourcesOfUrl('https://x.test/app/?model=sample/m.gguf&model=https%3A%2F%2Fy.test%2Fn.gguf%3Fk%3D1')).toEqual(
      [
        { kind: 'http', url: 'https://x.test/app/sample/m.gguf' },
        { kind: 'http', url: 'https://y.test/n.gguf?k=1' },
      ],
    );
    expect(sourcesOfUrl('https://x.test/?model=')).toEqual([]);
    expect(sourcesOfUrl('https://x.test/')).toEqual([]);
  });

  it('calls a source by its last segment', () => {
    expect(sourceName({ kind: 'http', url: 'https://y.test/a/n.gguf?k=1' })).toBe('n.gguf');
    expect(sourceName({ kind: 'path', path: '/a/b.gguf' })).toBe('b.gguf');
  });
});
