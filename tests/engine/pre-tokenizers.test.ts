import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { seededRandom, type Random } from '../../src/base/random';
import type { GgufValue } from '../../src/gguf/model-file';
import type { TypedValue } from '../../src/gguf/writer';
import { writeModelFiles } from '../../src/synthetic/write-model';
import { pieceOfText } from '../../src/tokenizer/byte-level';
import { PRE_TOKENIZERS } from '../../src/tokenizer/pre-tokenizers';
import { createTokenizer } from '../../src/tokenizer/tokenizer';
import { TOKEN_TYPE } from '../../src/tokenizer/vocabulary';
import { tokenizerTexts } from '../support/tokenizer-texts';
import { smallMetadata } from '../tokenizer/small-vocabulary';
import { installedHere } from './llama-cpp-support';

const folder = mkdtempSync(join(tmpdir(), 'moescope-tokenizers-'));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

interface Job {
  readonly metadata: ReadonlyMap<string, GgufValue>;
  readonly texts: readonly string[];
  readonly parseSpecial: boolean;
}

/** What a real llama.cpp says of each job. */
async function askLlamaCpp(jobs: readonly Job[]): Promise<readonly { addBos: boolean; ids: number[][] }[]> {
  const files = jobs.map(({ metadata }, i) => ({
    path: join(folder, `${i}.gguf`),
    file: {
      metadata: [
        ['general.architecture', { type: 'string', value: 'llama' }] as const,
        ...[...metadata].map(([key, value]) => [key, typed(value)] as const),
      ],
      tensors: [],
    },
  }));
  await writeModelFiles(files, { force: true });
  const { ffi, library } = await installedHere();
  const input = JSON.stringify({
    ffi,
    library,
    jobs: jobs.map(({ texts, parseSpecial }, i) => ({ path: files[i]?.path, texts, parseSpecial })),
  });
  const script = fileURLToPath(new URL('tokenize-natively.mjs', import.meta.url));
  const { status, stdout, stderr } = spawnSync(process.execPath, [script], {
    input,
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  });
  if (status !== 0) throw new Error(`status ${status}: ${stderr.slice(-2000)}`);
  return JSON.parse(stdout) as { addBos: boolean; ids: number[][] }[];
}

function typed(value: GgufValue): TypedValue {
  if (typeof value === 'string') return { type: 'string', value };
  if (value instanceof Int32Array) return { type: 'array', of: 'int32', value };
  return { type: 'array', of: 'string', value: value as readonly string[] };
}

/**
 * Merges of every two neighbours in the texts in random order, then of every three: a boundary of words that is missing or too much changes what is merged
 * on either side of it.
 */
function mergesOf(texts: readonly string[], random: Random): readonly string[] {
  const pairs = new Set<string>();
  const triples = new Set<string>();
  for (const [a, b, c] of texts.map(pieceOfText).flatMap((p) => Array.from(p, (_, i) => p.slice(i, i + 3)))) {
    if (a === undefined || b === undefined) continue;
    pairs.add(`${a} ${b}`);
    if (c !== undefined) triples.add(random.below(2) === 0 ? `${a}${b} ${c}` : `${a} ${b}${c}`);
  }
  return [...shuffled([...pairs], random), ...shuffled([...triples], random)];
}

function shuffled(list: string[], random: Random): string[] {
  for (let i = list.length - 1; i > 0; i--) {
    const j = random.below(i + 1);
    [list[i], list[j]] = [list[j] ?? '', list[i] ?? ''];
  }
  return list;
}

describe('a real llama.cpp gives the same ids', () => {
  it('by every pre-tokenizer, and adds the same token in front', async () => {
    const random = seededRandom(14);
    const job = (pre: string, nRandom: number): Job & { readonly pre: string } => {
      const texts = tokenizerTexts(random, nRandom);
      const metadata = smallMetadata({ merges: mergesOf(texts, random) }, { 'tokenizer.ggml.pre': pre });
      return { pre, metadata, texts, parseSpecial: false };
    };
    // Two vocabularies for each rule; of its other names what was written by hand is enough.
    const jobs = PRE_TOKENIZERS.flatMap(({ names: [first, ...others] }) => [
      ...[job(first, 300), job(first, 300)],
      ...others.map((name) => job(name, 0)),
    ]);
    expect(await differences(jobs)).toEqual([]);
  });

  it('where special tokens stand in a text, whatever types a file gives them', async () => {
    const sets = [
      [
        '<|start|>',
        '<|channel|>',
        '<|message|>',
        '<|constrain|>',
        '<|end|>',
        '<|return|>',
        '<|call|>',
        '<|endoftext|>',
      ],
      ['<|end|>', '<|return|>', '<|start|>'],
      ['<|end|>', '<|flush|>', '<|calls|>'],
      [
        '<\uff5cend\u2581of\u2581sentence\uff5c>',
        '<\uff5cfim\u2581begin\uff5c>',
        '<\uff5cfim\u2581hole\uff5c>',
        '<\uff5cfim\u2581end\uff5c>',
      ],
      ['<|end_of_text|>', '<fim_prefix>', '<fim_suffix>', '<fim_middle>', '<fim_pad>', '<reponame>'],
      ['<|code_prefix|>', '<|code_suffix|>', '<|code_middle|>', '<|user|>', '[gMASK]'],
      ['[e~[', ']~b]', ']~!b['],
    ];
    const types = Object.values(TOKEN_TYPE).filter((type) => type !== TOKEN_TYPE.byte);
    const jobs = sets.flatMap((names) =>
      types.flatMap((type) =>
        [false, true].map((parseSpecial): Job & { readonly pre: string } => ({
          pre: `gpt-4o, type ${type}, ${parseSpecial ? '' : 'not '}parsed`,
          metadata: smallMetadata({ specials: names.map((name) => [name, type]) }, { 'tokenizer.ggml.pre': 'gpt-4o' }),
          texts: [names.join(''), ` he${names.join(' he\n')}`, ...names],
          parseSpecial,
        })),
      ),
    );
    expect(await differences(jobs)).toEqual([]);
  });
});

/** Texts whose ids are others here, and begin-of-sequence tokens. */
async function differences(jobs: readonly (Job & { readonly pre: string })[]): Promise<readonly string[]> {
  const answers = await askLlamaCpp(jobs);
  const wrong: string[] = [];
  for (const [i, { pre, metadata, texts, parseSpecial }] of jobs.entries()) {
    const tokenizer = createTokenizer(metadata);
    const answer = answers[i];
    if (tokenizer.addBos !== answer?.addBos) wrong.push(`${pre}: add_bos`);
    for (const [t, text] of texts.entries()) {
      const ids = tokenizer.encode(text, { parseSpecial });
      if (JSON.stringify(ids) === JSON.stringify(answer?.ids[t])) continue;
      const words = (list: readonly number[] = []): string => list.map((id) => tokenizer.tokenText(id)).join('|');
      wrong.push(`${pre} ${JSON.stringify(text)}: ${words(ids)} and not ${words(answer?.ids[t])}`);
    }
  }
  return wrong;
}
