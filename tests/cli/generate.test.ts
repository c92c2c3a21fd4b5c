import { beforeAll, describe, expect, test, vi } from 'vitest';
import { ensureBuilt } from '../../scripts/lib/build.mjs';
import type { GenerateReport } from '../../src/cli/generate/generate-command';
import { createCpuEngine } from '../../src/cpu/engine/cpu-engine';
import { createInlinePool } from '../../src/cpu/pool/inline-pool';
import { createTokenizer } from '../../src/tokenizer/tokenizer';
import { forward, openGolden } from '../cpu/support';
import { loadGolden } from '../support/golden';
import { runBuiltCli } from './built-cli';

/** SwiftShader compiles for seconds, more beside other tests. */
vi.setConfig({ testTimeout: 180_000 });

const PROMPT = 'Once upon a time';
const COUNT = 12;

beforeAll(async () => {
  await ensureBuilt(['cli']);
});

const run = (...args: readonly string[]) => runBuiltCli('generate', 'sample:', ...args);

function largest(values: ArrayLike<number>): number {
  return Array.from(values).reduce((best, value, i, all) => (value > (all[best] ?? NaN) ? i : best), 0);
}

/** The reference's greedy continuation, each token from the whole text before it: no keys are kept, nothing of generate is used. */
async function greedy(prompt: string, count: number): Promise<{ readonly ids: number[]; readonly text: string }> {
  const { model, hparams } = await openGolden('tiny-moe-6x16');
  const tokenizer = createTokenizer(model.metadata);
  const cpu = createCpuEngine({ model, hparams, pool: createInlinePool(model) });
  const tokens = tokenizer.encode(prompt, { parseSpecial: true });
  const length = tokens.length;
  for (let i = 0; i < count; i++) {
    const capture = new Map([['lm_head' as const, [tokens.length - 1]]]);
    const { captured } = await forward(cpu, hparams, Uint32Array.from(tokens), { capture });
    tokens.push(largest(captured('lm_head').data));
  }
  await cpu.dispose();
  await model.close();
  const ids = tokens.slice(length);
  return { ids, text: tokenizer.decode(ids) };
}

describe('moescope generate', () => {
  test('says on the GPU and on the reference what the reference says without kept keys', async () => {
    const expected = await greedy(PROMPT, COUNT);
    for (const engine of ['gpu', 'cpu']) {
      const { status, out, err } = await run('--prompt', PROMPT, '--tokens', String(COUNT), '--engine', engine);
      expect(status).toBe(0);
      expect(out).toBe(`${expected.text}\n`);
      expect(err).toMatch(/4 prompt tokens in .*; 12 tokens at [\d.]+ tokens\/s\n$/);
      // A software adapter is named as one, and who decodes is said with the reason.
      expect(err.includes('SOFTWARE adapter')).toBe(engine === 'gpu');
      expect(err.includes('decoding: the tracing engine, layer by layer: the engine is the faster one')).toBe(
        engine === 'gpu',
      );
    }
  });

  test('begins where the golden logits point', async () => {
    const golden = loadGolden('tiny-moe-6x16', 'p0');
    const logits = golden.stage('lm_head', undefined)?.data ?? new Float32Array(0);
    const last = logits.slice(logits.length - logits.length / golden.tokens.length);
    const { out } = await run(
      '--ids',
      golden.tokens.join(),
      '--tokens',
      '1',
      '--engine',
      'cpu',
      '--json',
      '-',
      '--quiet',
    );
    const report: GenerateReport = JSON.parse(out);
    expect(report.tokens).toEqual([largest(last)]);
  });

  test('ends with the text, and gives tokens, times and adapter as JSON, alone on standard output', async () => {
    const { status, out, err } = await run(
      '--prompt',
      'What is 2+2?',
      '--chat',
      '--json',
      '-',
      '--adapter',
      'software',
    );
    expect(status).toBe(0);
    const report: GenerateReport = JSON.parse(out);
    expect(report).toMatchObject({
      schema: 'moescope-generate/1',
      arm: 'gpu',
      text: '2 + 2 = 4.',
      end: 'end-of-text',
      adapter: { isSoftware: true },
      decodedBy: { by: 'engine' },
      prompt: { text: 'What is 2+2?', chat: true },
      model: { file: 'tiny-moe-6x16-Q4_K_M.gguf' },
    });
    expect(report.prompt.tokens.length).toBeGreaterThan(8);
    expect(report.times.tokenMs).toHaveLength(report.tokens.length - 1);
    expect(report.times.tokensPerSecond).toBeGreaterThan(0);
    expect(err).toContain('then the text ended');
  });

  test.each([
    ['two prompts', ['--prompt', 'a', '--ids', '1'], '--prompt, --prompt-file and --ids exclude each other'],
    ['ids in a chat', ['--ids', '1', '--chat'], '--chat needs text'],
    ['a decoder of the reference', ['--engine', 'cpu', '--decoder', 'fast'], '--decoder is for the GPU'],
    ['no tokens', ['--tokens', '0'], 'a whole number from 1'],
    ['a token outside the vocabulary', ['--ids', '999999', '--engine', 'cpu'], 'error prompt-token'],
  ])('refuses %s', async (_, args, message) => {
    const { status, out, err } = await run(...args);
    expect(status).toBe(2);
    expect(out).toBe('');
    expect(err).toContain(message);
    expect(err).not.toMatch(/\n\s+at /);
  });

  test('has no adapter of the kind asked for: status 3, and the reference needs none', async () => {
    expect((await run('--adapter', 'hardware', '--tokens', '1')).status).toBe(3);
    expect((await run('--adapter', 'hardware', '--tokens', '1', '--engine', 'cpu')).status).toBe(0);
  });
});
