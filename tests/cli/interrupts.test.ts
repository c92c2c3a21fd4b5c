import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ensureBuilt } from '../../scripts/lib/build.mjs';
import { quickest } from '../support/quickest';
import { SAMPLE_PATH } from '../support/golden';
import { BUILT_CLI } from './built-cli';

const folder = mkdtempSync(join(tmpdir(), 'moescope-interrupts-'));
beforeAll(() => ensureBuilt(['cli']));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

const seconds = (n: number): Promise<unknown> => new Promise((done) => setTimeout(done, 1000 * n));

test('a second Ctrl-C ends a synchronous step that does not end, within two seconds', async () => {
  const suite = {
    schema: 'moescope-suite/1',
    models: [{ id: `${'a'.repeat(40)}b`, file: 'm.gguf' }],
    prompts: [{ id: 'p', text: 'x' }],
  };
  writeFileSync(join(folder, 'suite.json'), JSON.stringify(suite));
  // A regular expression that would take centuries: no promise, no timer and no signal handler runs meanwhile.
  const args = [BUILT_CLI, 'suite', join(folder, 'suite.json'), '--list', '--grep', '^(a+)+$'];
  // A group of its own, to which Ctrl-C goes as from a terminal.
  const child = spawn(process.execPath, args, { detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  let err = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    err += text;
  });
  const ended = new Promise<NodeJS.Signals | null>((done) => {
    child.on('exit', (_, signal) => {
      done(signal);
    });
  });
  const group = -(child.pid ?? 0);
  try {
    await seconds(2);
    process.kill(group, 'SIGINT');
    await seconds(0.5);
    expect(child.exitCode).toBeNull();
    process.kill(group, 'SIGINT');
    expect(await Promise.race([ended, seconds(2)])).toBe('SIGKILL');
    expect(err).toContain('Ended by an interrupt in the middle of a step that does not end.');
  } finally {
    child.kill('SIGKILL');
  }
});

/** What a Ctrl-C may take. */
const ANSWER_MS = 500;

test.each([100, 1500])('Ctrl-C %i ms into a trace of 2,003 tokens is answered within half a second', async (delay) => {
  expect(await quickest(ANSWER_MS, () => interrupted(delay))).toBeLessThan(ANSWER_MS);
});

/** Milliseconds from an interrupt to the end of a run. @param delay after it has said on which adapter it runs */
async function interrupted(delay: number): Promise<number> {
  const tokens = Array.from({ length: 2003 }, (_, i) => (37 * i + 11) % 500).join();
  const args = [BUILT_CLI, 'trace', SAMPLE_PATH, '--tokens', tokens, '--runtime', 'node'];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  let err = '';
  try {
    await new Promise<void>((done) => {
      child.stderr.setEncoding('utf8').on('data', (text: string) => {
        err += text;
        if (err.includes('adapter:')) done();
      });
    });
    await seconds(delay / 1000);
    const asked = performance.now();
    const ended = new Promise<NodeJS.Signals | null>((done) => {
      child.on('exit', (_, signal) => {
        done(signal);
      });
    });
    child.kill('SIGINT');
    // By the signal itself: 130 to a shell.
    expect(await ended).toBe('SIGINT');
    expect(err).toContain('run-cancelled');
    return performance.now() - asked;
  } finally {
    child.kill('SIGKILL');
  }
}
