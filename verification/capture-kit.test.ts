import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ownRun, readDump } from '../src/cli/judge/judge-dump';
import { LIBRARY_VERSION } from '../src/engine/llama-cpp/packages';
import type { Judgement } from '../src/judge/judgement';
import { installedHere } from '../tests/engine/llama-cpp-support';
import { FAMILIES } from '../tests/families/goldens';
import { GOLDEN_MODELS, goldenModelPath } from '../tests/support/golden';
import { openLiveJudge } from '../tests/support/live-judge';

/*
 * The C++ kit of `capture/llama.cpp`, compiled against the headers of the pinned llama.cpp and linked to npm's build of it. Its dumps of right files
 * light nothing, and one of a damaged file names the tensor. CXX names the compiler.
 */

const KIT = fileURLToPath(new URL('../capture/llama.cpp/moescope-capture.cpp', import.meta.url));
const CACHE = fileURLToPath(new URL('../.cache/llama-cpp-headers', import.meta.url));
const TOKENS = [3, 17, 40, 9, 21, 33, 2, 11, 28, 7, 19, 5];
const PLAIN = ['--flash-attention', 'off', '--kv', 'f32'];
/** llama.cpp says that it does not know how the file's experts are fused. */
const NOT_LOADED: readonly string[] = ['qwen3moe-gate-up-q8_0'];
/** Rows that are judged at least: of a recurrence, with the experts in one matrix, little is written. */
const FEWEST = 10;
const MODELS = [...GOLDEN_MODELS, ...FAMILIES.map((name) => `families/${name}`)].filter(
  (name) => !NOT_LOADED.some((one) => name.endsWith(one)),
);

/** llama.cpp's tree, out of the package that the pinned libraries belong to. */
function headers(): string {
  const tree = join(CACHE, LIBRARY_VERSION);
  if (!existsSync(join(tree, 'include', 'llama.h'))) {
    mkdirSync(CACHE, { recursive: true });
    const packed = execFileSync('npm', ['pack', '--silent', `node-llama-cpp@${LIBRARY_VERSION}`], { cwd: CACHE });
    execFileSync('tar', ['-xzf', packed.toString().trim()], { cwd: CACHE });
    const bundle = join(CACHE, 'package', 'llama', 'gitRelease.bundle');
    execFileSync('git', ['clone', '--quiet', bundle, tree], { stdio: 'pipe' });
  }
  return tree;
}

const folder = mkdtempSync(join(tmpdir(), 'moescope-kit-'));
const program = join(folder, 'moescope-capture');
let libraries = '';
let warnings = '';

beforeAll(async () => {
  libraries = dirname((await installedHere()).library);
  const tree = headers();
  const linked = readdirSync(libraries).filter((name) => /^lib(?:llama|ggml|ggml-base)(?:\.v[\d.]+)?\.so$/.test(name));
  const options = ['-std=c++17', '-O2', '-Wall', '-Wextra', `-I${tree}/include`, `-I${tree}/ggml/include`];
  const link = [...linked.map((name) => join(libraries, name)), `-Wl,-rpath,${libraries}`, '-o', program];
  warnings = execFileSync(process.env['CXX'] ?? 'g++', [...options, KIT, ...link, '-fdiagnostics-color=never'], {
    stdio: ['ignore', 'pipe', 'pipe'],
  }).toString();
}, 300_000);
afterAll(() => {
  rmSync(folder, { recursive: true });
});

/** Captures a run of a file, and judges it by another. */
async function judged(file: string, by: string, options: readonly string[]): Promise<Judgement> {
  const dump = mkdtempSync(join(folder, 'dump-'));
  const said = execFileSync(
    program,
    [file, TOKENS.join(), dump, '--backends', libraries, '--threads', '1', ...options],
    {
      stdio: ['ignore', 'pipe', 'ignore'],
    },
  );
  const judge = await openLiveJudge(by);
  try {
    if (!options.includes('--all')) expect(said.toString()).toContain('changed the logits of 0 of 12 tokens');
    return await judge.judge(ownRun(await readDump(dump, undefined), undefined));
  } finally {
    await judge.close();
  }
}

describe('the C++ kit', () => {
  it('compiles without a word', () => {
    expect(warnings).toBe('');
  });

  it.each(MODELS)('%s: nothing is lit, plain and with its defaults', { timeout: 300_000 }, async (name) => {
    const path = goldenModelPath(name);
    for (const options of [PLAIN, [], ['--all']]) {
      const { verdict, rows, parameters } = await judged(path, path, options);
      expect(verdict.sentence, options.join(' ')).toMatch(/^MATCH/);
      expect(rows.filter(({ verdict: of }) => of === 'match').length).toBeGreaterThan(FEWEST);
      expect(parameters?.wrong).toEqual([]);
      expect(parameters?.compared).toBeGreaterThan(3);
    }
  });

  it('scores are those that the softmax reads, and a damaged tensor is named', { timeout: 300_000 }, async () => {
    const path = goldenModelPath('mini-q4_k_m');
    const right = await judged(path, path, PLAIN);
    const scores = right.rows.filter(({ stage }) => stage === 'attn_scores' || stage === 'attn_softmax');
    expect(scores.map(({ verdict }) => verdict)).toEqual(['match', 'match', 'match', 'match']);
    const other = join(folder, 'damaged.gguf');
    const { model, close } = await openLiveJudge(path);
    const tensor = model.tensors.get('blk.1.attn_q.weight');
    await close();
    const bytes = readFileSync(path);
    // The scale of the first row's first block.
    const at = (tensor?.offset ?? NaN) + 1;
    bytes[at] = (bytes[at] ?? 0) + 4;
    writeFileSync(other, bytes);
    const { verdict } = await judged(other, path, PLAIN);
    expect(verdict.first).toMatchObject({ layer: 1, stage: 'q_proj', tensor: 'blk.1.attn_q.weight' });
    expect(verdict.others).toBeUndefined();
  });
});
