import { expect, test } from '@playwright/test';
import { reportFromJson } from '../src/divergence/report-json';
import { runBuiltCli, startCli } from '../tests/cli/built-cli';
import { SAMPLE_PATH } from '../tests/support/golden';

/** A run with every option that the page has, so that a control that is not found shows. */
const OPTIONS = ['--layers', '1..4', '--stages', 'moe_router,moe_ffn_out', '--positions', '2..9', '--mode', 'isolated'];

test('the command line drives the page and gets what Node gets', async () => {
  const trace = ['trace', SAMPLE_PATH, '--prompt', 'What is 2+2?', '--chat', ...OPTIONS, '--json', '-', '--quiet'];
  const browser = await runBuiltCli(...trace, '--runtime', 'browser');
  expect(browser.err).toBe('');
  expect(browser.status).toBe(0);
  const node = await runBuiltCli(...trace, '--runtime', 'node');
  const [fromBrowser, fromNode] = [reportFromJson(browser.out), reportFromJson(node.out)];
  expect(fromBrowser.runtime).toBe('browser');
  expect(fromBrowser.browser?.version).toMatch(/^\d/);
  expect(fromBrowser.run).toEqual(fromNode.run);
  expect(fromBrowser.model).toEqual(fromNode.model);
  expect(fromBrowser.routing).toEqual(fromNode.routing);
  expect(fromBrowser.rows).toEqual(fromNode.rows);
});

test('faults and forced routing reach the page, and are blamed as in Node', async () => {
  const faults = ['--inject', 'scale-bitflip@layer=1,tensor=attn_q,bit=4', '--inject', 'no-renorm@layer=4,position=1'];
  const trace = [
    'trace',
    SAMPLE_PATH,
    '--tokens',
    '420,327',
    ...faults,
    '--routing',
    'reference',
    '--json',
    '-',
    '--quiet',
  ];
  const browser = await runBuiltCli(...trace, '--runtime', 'browser');
  const node = await runBuiltCli(...trace, '--runtime', 'node');
  expect([browser.status, node.status]).toEqual([1, 1]);
  const [fromBrowser, fromNode] = [reportFromJson(browser.out), reportFromJson(node.out)];
  expect(fromBrowser.run.inject).toHaveLength(2);
  expect(fromBrowser.run).toEqual(fromNode.run);
  expect(fromBrowser.verdict).toEqual(fromNode.verdict);
});

test('token ids and one engine reach the page too', async () => {
  const trace = ['trace', SAMPLE_PATH, '--tokens', '420,327', '--arms', 'cpu', '--json', '-', '--quiet'];
  const { status, out, err } = await runBuiltCli(...trace, '--runtime', 'browser');
  expect(err).toBe('');
  expect(status).toBe(0);
  expect(reportFromJson(out).run).toMatchObject({ tokens: [420, 327], arms: ['cpu'] });
});

test("the page's own error comes back with its code", async () => {
  const { status, out, err } = await runBuiltCli('trace', 'README.md', '--runtime', 'browser', '--quiet');
  expect(status).toBe(2);
  expect(out).toBe('');
  expect(err).toMatch(/^error gguf-not-gguf: README\.md/);
});

test('an interrupt ends the run and the browser, status 130', async () => {
  const long = Array.from({ length: 300 }, (_, i) => i + 1).join(',');
  const running = startCli(['trace', SAMPLE_PATH, '--tokens', long, '--runtime', 'browser']);
  await running.until('Layers');
  running.interrupt();
  const { status, err } = await running.finished;
  expect(status).toBe(130);
  expect(err).toContain('error run-cancelled');
});

test('a software GPU does not pass for hardware', async () => {
  const trace = [
    'trace',
    SAMPLE_PATH,
    '--tokens',
    '420',
    '--json',
    '-',
    '--runtime',
    'browser',
    '--adapter',
    'hardware',
  ];
  const { status, out, err } = await runBuiltCli(...trace);
  if (status === 0) {
    // A machine with a GPU: then it must be that one.
    expect(reportFromJson(out).adapter?.isSoftware).toBe(false);
  } else {
    expect(status).toBe(3);
    expect(err).toContain('error gpu-');
  }
});
