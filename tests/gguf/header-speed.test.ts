import { expect, it } from 'vitest';
import { fileURLToPath } from 'node:url';
import { nodeSource } from '../../src/gguf/node-source';
import { parseHeader, type GgufHeader } from '../../src/gguf/reader';

const VOCABULARY = fileURLToPath(new URL('../golden/tokenizer/ggml-vocab-qwen2.gguf', import.meta.url));

/** What a person does not notice, milliseconds of processor time: the best of a few tries, so that a busy machine does not fail the test. */
const LIMIT_MS = 250;
const TRIES = 5;

it(`parses the 5.9 MB header of the real Qwen vocabulary in less than ${LIMIT_MS} ms`, async () => {
  const times: number[] = [];
  let header: GgufHeader | undefined;
  for (let i = 0; i < TRIES; i++) {
    const source = await nodeSource(VOCABULARY);
    const started = process.cpuUsage();
    header = await parseHeader(source);
    const { user, system } = process.cpuUsage(started);
    times.push((user + system) / 1000);
    await source.close();
  }
  const tokens = header?.metadata.get('tokenizer.ggml.tokens');
  expect(tokens).toHaveLength(151_936);
  expect(header?.metadata.get('tokenizer.ggml.merges')).toHaveLength(151_387);
  expect(header?.metadata.get('tokenizer.ggml.token_type')).toBeInstanceOf(Int32Array);
  expect(Math.min(...times)).toBeLessThan(LIMIT_MS);
});
