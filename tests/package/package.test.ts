import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { ensureBuilt } from '../../scripts/lib/build.mjs';
import { BUNDLED } from '../../scripts/lib/licences.mjs';
import { COMMANDS } from '../../src/cli/commands';
import { reportFromJson } from '../../src/divergence/report-json';
import { readSharedFile } from '../../src/share/shared-file';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** What is packed: the sample model is 13.6 MB of it, and does not pack; the recorded cases are 0.3, each engine's entries 0.1. */
const MOST_TARBALL_BYTES = 16.4e6;

/** Packing, installing and whole processes; the native WebGPU module may come over the network. */
vi.setConfig({ testTimeout: 240_000, hookTimeout: 300_000 });

/** Outside of the repository, so that nothing is found in a folder above. */
const folder = mkdtempSync(join(tmpdir(), 'moescope-package-'));
const app = join(folder, 'app');
let tarball = '';

interface Done {
  readonly status: number | undefined;
  readonly out: string;
  readonly err: string;
}

function run(program: string, args: readonly string[], cwd: string): Done {
  // What npm says to the scripts that it starts is not for the npm that is started here.
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^npm_(?!config_)/i.test(name)));
  const done = spawnSync(program, args, { cwd, env, encoding: 'utf8', maxBuffer: 1e8 });
  return { status: done.status ?? undefined, out: done.stdout, err: done.stderr };
}

/** As a person types it in the folder that the package was installed in. */
const npx = (...args: readonly string[]): Done => run('npx', ['--no-install', 'moescope', ...args], app);

beforeAll(async () => {
  await ensureBuilt();
  const packed = run('npm', ['pack', '--json', '--pack-destination', folder], ROOT);
  expect(packed.status, packed.err).toBe(0);
  tarball = join(folder, readdirSync(folder).find((name) => name.endsWith('.tgz')) ?? '');
  mkdirSync(app);
  writeFileSync(join(app, 'package.json'), '{}');
  const installed = run('npm', ['install', '--prefer-offline', '--no-audit', '--no-fund', tarball], app);
  expect(installed.status, installed.err).toBe(0);
});

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

test('the licences are of all that src/ takes into the bundle', () => {
  const taken = new Set<string>();
  for (const file of readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' })) {
    if (!/\.(?:tsx?|css)$/.test(file)) continue;
    const imports = readFileSync(join(ROOT, 'src', file), 'utf8').matchAll(
      /(?:from |import\(|import |@import |url\()['"]((?:@[\w-]+\/)?[a-z][\w-]*)(?:[/'"])/g,
    );
    for (const [, name = ''] of imports) taken.add(name);
  }
  const outside = ['node', 'playwright-core', 'webgpu', '@playwright/test'];
  const bundled = [...taken].filter((name) => !outside.includes(name) && !name.startsWith('node:'));
  expect(bundled.filter((name) => !BUNDLED.includes(name))).toEqual([]);
  expect(bundled.length).toBeGreaterThan(6);
});

describe('the package', () => {
  test('is small, holds what it needs and nothing else', () => {
    const { size } = statSync(tarball);
    expect(size).toBeLessThan(MOST_TARBALL_BYTES);
    expect(readFileSync(join(ROOT, 'docs/cli.md'), 'utf8')).toContain(`The tarball has ${Math.round(size / 1e6)} MB`);
    const inside = join(app, 'node_modules/moescope');
    expect(readdirSync(inside).sort()).toEqual([
      'CHANGELOG.md',
      'LICENSE',
      'PROVENANCE.md',
      'README.md',
      'dist',
      'package.json',
    ]);
    expect(existsSync(join(inside, 'dist/sample/tiny-moe-6x16-Q4_K_M.gguf'))).toBe(true);
    const maps = readdirSync(join(inside, 'dist'), { recursive: true, encoding: 'utf8' });
    expect(maps.filter((name) => name.endsWith('.map'))).toEqual([]);
    const licences = readFileSync(join(inside, 'dist/THIRD-PARTY.txt'), 'utf8');
    for (const name of BUNDLED) {
      const file = join(ROOT, 'node_modules', name, 'package.json');
      const { version, license }: Record<'version' | 'license', string> = JSON.parse(readFileSync(file, 'utf8'));
      expect(licences).toContain(`\n${name} ${version}, ${license}\n`);
    }
    expect(licences).toContain('SIL OPEN FONT LICENSE');
    // What the page is bundled from is not installed again.
    const others = readdirSync(join(app, 'node_modules')).filter((name) => !name.startsWith('.'));
    expect(others).not.toContain('react');
    expect(others).toEqual(expect.arrayContaining(['moescope', 'webgpu']));
    // What only some need waits until it is asked for.
    for (const asked of ['playwright-core', '@playwright', 'koffi']) expect(others).not.toContain(asked);
  });

  test('explains itself', () => {
    const help = npx('--help');
    expect(help).toMatchObject({ status: 0, err: '' });
    for (const { summary } of COMMANDS) expect(help.out).toContain(summary);
    const { version }: { version: string } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
    expect(npx('--version').out).toContain(`moescope ${version}`);
  });

  test('inspects and traces the sample that it brings, on both engines', () => {
    const card = npx('inspect', 'sample:', '--json', '-');
    expect(JSON.parse(card.out)).toMatchObject({ arch: 'qwen3moe', hparams: { nLayer: 6, nExpert: 16 } });
    const prompt = ['--prompt', 'Hi', '--mode', 'free', '--runtime', 'node'];
    const traced = npx('trace', 'sample:', ...prompt, '--json', '-', '--html', 'report.html', '--svg', 'picture.svg');
    expect(traced.status, traced.err).toBe(0);
    const report = reportFromJson(traced.out);
    expect(report.verdict.status).toBe('match');
    expect(report.run.arms).toEqual(['gpu', 'cpu']);
    const html = new Uint8Array(readFileSync(join(app, 'report.html')));
    expect(readSharedFile(html, 'html', 'report.html').report.rows).toEqual(report.rows);
    expect(readFileSync(join(app, 'picture.svg'), 'utf8')).toContain('<svg');
  });

  test('tells a user error without a stack, status 2', () => {
    const wrong = npx('trace', 'no-such.gguf');
    expect(wrong).toMatchObject({ status: 2, out: '' });
    expect(wrong.err).toMatch(/^error source-read: .*no-such\.gguf/);
    expect(wrong.err).not.toMatch(/\n\s+at /);
  });

  test('serves the page with its engine and its sample until interrupted', async () => {
    const child = spawn(join(app, 'node_modules/.bin/moescope'), ['serve', '--port', '0', '--json', '-'], { cwd: app });
    try {
      const [line]: readonly Buffer[] = await once(child.stdout, 'data');
      const { url }: { url: string } = JSON.parse(String(line));
      const page = await fetch(url);
      const html = await page.text();
      expect(page.status).toBe(200);
      expect(html).toContain('<title>MoEscope');
      const [, script = ''] = /<script[^>]+src="\.\/([^"]+)"/.exec(html) ?? [];
      expect((await fetch(new URL(script, url))).headers.get('content-type')).toContain('javascript');
      const head = await fetch(new URL('sample/tiny-moe-6x16-Q4_K_M.gguf', url), { headers: { Range: 'bytes=0-3' } });
      expect(head.status).toBe(206);
      expect(await head.text()).toBe('GGUF');
    } finally {
      child.kill('SIGINT');
    }
    expect((await once(child, 'exit'))[0]).toBe(0);
  });

  test('says how to have the browser that a picture needs', () => {
    const traced = npx('trace', 'sample:', '--prompt', 'Hi', '--runtime', 'browser');
    expect(traced.status).not.toBe(0);
    expect(traced.err).toContain('npm install playwright-core');
    // Before the run, not after it.
    const drawn = npx('trace', 'sample:', '--prompt', 'Hi', '--png', 'p.png', '--json', 'never.json');
    expect(drawn.status).toBe(2);
    expect(drawn.err).toContain('npm install playwright-core');
    expect(existsSync(join(app, 'never.json'))).toBe(false);
  });

  test('does without Dawn what needs no GPU under Node', () => {
    const lean = join(folder, 'lean');
    mkdirSync(lean);
    writeFileSync(join(lean, 'package.json'), '{}');
    const flags = ['--prefer-offline', '--no-audit', '--no-fund', '--omit=optional'];
    const installed = run('npm', ['install', ...flags, tarball], lean);
    expect(installed.status, installed.err).toBe(0);
    expect(readdirSync(join(lean, 'node_modules')).filter((name) => !name.startsWith('.'))).toEqual(['moescope']);
    const here = (...args: readonly string[]): Done => run('npx', ['--no-install', 'moescope', ...args], lean);
    expect(here('inspect', 'sample:').status).toBe(0);
    const exact = here('trace', 'sample:', '--prompt', 'Hi', '--arms', 'cpu', '--save-tensor', 'out');
    expect(exact.status, exact.err).toBe(0);
    const judged = here('judge', 'sample:', 'out', '--arm-a', 'cpu');
    expect(judged.out, judged.err).toMatch(/^MATCH/);
    const onGpu = here('trace', 'sample:', '--prompt', 'Hi', '--runtime', 'node');
    expect(onGpu.status).not.toBe(0);
    expect(onGpu.err).not.toContain('error internal');
  });
});
