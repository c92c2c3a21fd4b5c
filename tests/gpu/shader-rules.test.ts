import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

const FOLDER = new URL('../../shaders/', import.meta.url);
const FILES = readdirSync(FOLDER, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.wgsl'));

describe.each(FILES)('%s', (name) => {
  const lines = readFileSync(new URL(name, FOLDER), 'utf8').split('\n');

  // WGSL zeroes such a variable each time that it is declared; Dawn with SwiftShader does so only the first time round a loop.
  it('gives variables of inner blocks a value', () => {
    expect(lines.filter((line) => /^\s{4,}var \w+\s*(:[^=]*)?;/.test(line))).toEqual([]);
  });
});
