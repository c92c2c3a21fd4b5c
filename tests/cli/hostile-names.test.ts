import './cli-here';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { HOSTILE_NAMES, TEMPLATE, writeHostileModel, type HostileParts } from '../support/hostile-models';
import { writeZip } from '../../src/trace/zip';
import { runCliHere } from './cli-here';

/** Anything but text and line breaks. */
const OBEYED =
  /[^\P{Cc}\n]|[\p{Cs}\p{Noncharacter_Code_Point}\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\u{e0000}-\u{e007f}]/u;
const COMMAND = /^\s*::|##[\w.]*\[/m;

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'moescope-hostile-'));
});
afterAll(async () => {
  await rm(folder, { recursive: true });
});

async function model(name: string, parts: HostileParts): Promise<string> {
  return writeHostileModel(join(folder, `${name}.gguf`), parts);
}

/** What a command says on both streams, held to the gate. */
async function said(...args: readonly string[]): Promise<{ status: number | undefined; text: string }> {
  const { status, out, err } = await runCliHere(...args);
  const text = `${out}\n${err}`;
  expect(text).not.toMatch(OBEYED);
  expect(text).not.toMatch(COMMAND);
  expect(text.length).toBeLessThan(20_000);
  return { status, text };
}

const ONE = ['--arms', 'cpu', '--tokens', '120', '--layers', '0', '--stages', 'moe_router'];

describe.each(Object.entries(HOSTILE_NAMES))('a model named to be obeyed (%s)', (name, text) => {
  test('is shown by inspect and trace, and its picture and JUnit are XML', async () => {
    const file = await model(name, { strings: { 'general.name': text } });
    expect((await said('inspect', file)).status).toBe(0);
    const [svg, junit, html] = ['svg', 'xml', 'html'].map((kind) => join(folder, `${name}.${kind}`));
    const run = await said('trace', file, ...ONE, '--svg', svg ?? '', '--junit', junit ?? '', '--html', html ?? '');
    expect(run.status).toBe(0);
    for (const written of [svg, junit, html]) {
      const document = await readFile(written ?? '', 'utf8');
      expect(document).not.toMatch(OBEYED);
      expect(document).not.toContain('<script>alert');
      expect(document).not.toContain('<img src');
    }
  });

  test('is refused by its architecture without being obeyed', async () => {
    const run = await said('trace', await model(`${name}-arch`, { strings: { 'general.architecture': text } }), ...ONE);
    expect(run.status).toBe(2);
    expect(run.text).toContain('error gguf-architecture');
  });

  test('its tokenizer and its tensors are not obeyed', async () => {
    const pre = await model(`${name}-pre`, { strings: { 'tokenizer.ggml.pre': text, 'tokenizer.ggml.model': text } });
    expect((await said('trace', pre, '--arms', 'cpu', '--prompt', 'Hello')).status).toBe(2);
    expect(
      (await said('inspect', await model(`${name}-tensor`, { tensor: `blk.0.${text}`.slice(0, 60) }))).status,
    ).toBe(2);
  });
});

test('tokens that would be obeyed are shown as the model speaks', async () => {
  const tokens = Object.fromEntries(
    Array.from({ length: 280 }, (_, id) => [id, `\x1b[31m<b>\n::error::t${id}`] as const),
  );
  const file = await model('tokens', { tokens });
  const { text } = await said('generate', file, '--engine', 'cpu', '--ids', '120', '--tokens', '4');
  expect(text).toContain('\\x1b[31m<b>');
  await said('trace', file, ...ONE);
});

test("a template's own words are shown", async () => {
  const template = "{{ raise_exception('\x1b[31m\n::error::from template') }}";
  const { status, text } = await said(
    'trace',
    await model('raise', { strings: { [TEMPLATE]: template } }),
    ...['--arms', 'cpu', '--prompt', 'x', '--chat'],
  );
  expect(status).toBe(2);
  expect(text).toContain('\\x1b[31m\\n::error::from template');
});

test('paths in an archive are shown', async () => {
  const file = join(folder, 'archive.npz');
  const name = '\x1b[31m\r::error::entry/\u202egpj.npy';
  await writeFile(
    file,
    writeZip(
      new Map([
        [name, new Uint8Array(3)],
        [`gpu/layer-0/${name}`, new Uint8Array(9)],
      ]),
    ),
  );
  expect((await said('diff', file, file)).status).toBe(2);
});

test('ids and words in the file of a shard are shown', async () => {
  const file = join(folder, 'shard.json');
  const hostile = '\x1b[31m\n::error::x';
  await writeFile(file, JSON.stringify({ schema: hostile, suite: { schema: hostile } }));
  expect((await said('merge', file)).status).toBe(2);
  expect((await said('merge', join(folder, hostile))).status).toBe(2);
  expect((await said(hostile)).status).toBe(2);
  expect((await said('trace', file, `--${hostile}`)).status).toBe(2);
});
