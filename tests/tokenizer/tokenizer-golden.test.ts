import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { createTokenizer } from '../../src/tokenizer/tokenizer';
import { SAMPLE_PATH } from '../support/golden';
import { QWEN2_VOCAB, readMetadata } from './metadata';

interface GoldenItem {
  readonly text: string;
  readonly ids: number[];
  /** Absent where it equals `ids`. */
  readonly ids_no_special?: number[];
}

function readJson<T>(path: string): T {
  return JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8')) as T;
}

const { items } = readJson<{ items: GoldenItem[] }>('../golden/tokenizer/tokenizer-golden.json');
const metadata = await readMetadata(QWEN2_VOCAB);

describe('ids of the qwen2 vocabulary equal llama.cpp', () => {
  const tokenizer = createTokenizer(metadata);

  it('has all 154 strings', () => {
    expect(items.length).toBe(154);
    expect(tokenizer.vocabSize).toBe(151_936);
  });

  it.each(items)('$text', ({ text, ids, ids_no_special }) => {
    expect(tokenizer.encode(text, { parseSpecial: true })).toEqual(ids);
    expect(tokenizer.encode(text, { parseSpecial: false })).toEqual(ids_no_special ?? ids);
    expect(tokenizer.decode(ids)).toBe(text);
    expect(tokenizer.decode(ids_no_special ?? ids)).toBe(text);
  });

  it('builds in less than a second of processor time (the best of three; wall time is that of the other tests too)', () => {
    const milliseconds = [1, 2, 3].map(() => {
      const start = process.cpuUsage();
      createTokenizer(metadata);
      const { user, system } = process.cpuUsage(start);
      return (user + system) / 1000;
    });
    expect(Math.min(...milliseconds)).toBeLessThan(1000);
  });
});

const sampleMetadata = await readMetadata(SAMPLE_PATH);

describe('the sample model', () => {
  const tokenizer = createTokenizer(sampleMetadata);
  const prompts = readJson<Record<string, { text: string; ids: number[] }>>('../golden/tiny-moe-6x16/prompts.json');

  it.each(Object.entries(prompts))('prompt %s has its ids', (_, { text, ids }) => {
    expect(tokenizer.encode(text, { parseSpecial: true })).toEqual(ids);
    expect(tokenizer.decode(ids)).toBe(text);
  });
});
