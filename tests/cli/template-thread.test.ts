import { pathToFileURL } from 'node:url';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { ensureBuilt } from '../../scripts/lib/build.mjs';
import { codeOf, tracerErrorOf } from '../support/errors';
import { TEMPLATE_KEY, chatJob, type ChatJob } from '../../src/tokenizer/chat-job';
import { nodeTemplateThread } from '../../src/tokenizer/template-thread/node';
import { rendererIn, type TemplateThread } from '../../src/tokenizer/template-thread/renderer';
import { BUILT_CLI } from './built-cli';

function job(template: string): ChatJob {
  return chatJob(new Map([[TEMPLATE_KEY, template]]), [{ role: 'user', content: 'x' }], { addGenerationPrompt: true });
}

const ENTRY = pathToFileURL(join(BUILT_CLI, '../template-worker.js'));
/** Starts threads of the built program, counted. */
let started = 0;
const start = (): TemplateThread => {
  started++;
  return nodeTemplateThread(ENTRY);
};

beforeAll(() => ensureBuilt(['cli']));

const DOUBLED = "{% set ns = namespace(a=['a']) %}{% for i in range(40) %}{% set ns.a = [ns.a, ns.a] %}{% endfor %}";

describe('a template in a thread of its own', () => {
  test('is rendered, one thread for all', async () => {
    const render = rendererIn(start);
    started = 0;
    expect(await render(job('{{ messages[0].content }}y'))).toBe('xy');
    expect(await render(job('{{ bos_token }}z'))).toBe('z');
    const refused = await tracerErrorOf(() => render(job("{{ raise_exception('no\\nno') }}")));
    expect(refused).toMatchObject({ code: 'chat-template', message: expect.stringContaining('no') });
    expect(await render(job('again'))).toBe('again');
    expect(started).toBe(1);
  });

  // Each holds up one step of the library for minutes to years: nothing that is counted between steps ends it.
  test.each([
    ['a list of itself, as JSON', `${DOUBLED}{{ ns.a|tojson|length }}`],
    ['a list of itself, printed', `${DOUBLED}{{ ns.a }}`],
    ['blanks for the parser', `{{ 1 }}${' '.repeat(390_000)}x{%- if 1 %}`],
  ])('without end is ended, and the next one runs (%s)', async (_, template) => {
    const render = rendererIn(start, 200);
    const error = await tracerErrorOf(() => render(job(template)));
    expect(error).toMatchObject({
      code: 'chat-template',
      message: expect.stringMatching(/takes more than|makes more/),
    });
    expect(await render(job('next'))).toBe('next');
  });

  test('that fills the memory is ended', async () => {
    const template =
      "{% set ns = namespace(s='aaaaaaaa') %}{% for i in range(17) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}{{ ns.s.replace('a', ns.s[:200])|length }}";
    const error = await tracerErrorOf(() => rendererIn(start, 1000)(job(template)));
    expect(error).toMatchObject({
      code: 'chat-template',
      message: expect.stringMatching(/memory|takes more than|makes more than/),
    });
  });

  test('ends with its signal, at once', async () => {
    const render = rendererIn(start);
    const controller = new AbortController();
    const rendering = codeOf(() => render(job(`${DOUBLED}{{ ns.a }}`), controller.signal));
    setTimeout(() => {
      controller.abort();
    }, 100);
    const before = performance.now();
    expect(await rendering).toBe('run-cancelled');
    expect(performance.now() - before).toBeLessThan(2000);
    expect(await codeOf(() => render(job('x'), AbortSignal.abort()))).toBe('run-cancelled');
    expect(await render(job('next'))).toBe('next');
  });
});

test('a thread that does not start, or dies, is told', async () => {
  const render = rendererIn(() => nodeTemplateThread(new URL('no-such-entry.js', ENTRY)));
  expect(await codeOf(() => render(job('x')))).toBe('chat-template');
});
