import { beforeAll, expect, test } from 'vitest';
import { ensureBuilt } from '../../scripts/lib/build.mjs';
import { goldenModelPath } from '../support/golden';
import { startCli } from './built-cli';

beforeAll(() => ensureBuilt(['page', 'cli']));

/** A module that makes Node see 32 cores. */
const MANY_CORES = [
  "import os from 'node:os'",
  "import { syncBuiltinESMExports } from 'node:module'",
  "os.availableParallelism = () => (process.stderr.write('32 cores\\n'), 32)",
  'syncBuiltinESMExports()',
].join(';');

test.each([
  ['the GPU engine', []],
  ['the ggml engine', ['--candidate', 'ggml']],
])(
  '32 workers and as many judging threads say nothing on standard error but how far they are: %s',
  async (_, args) => {
    const env = { NODE_OPTIONS: `--import "data:text/javascript,${encodeURIComponent(MANY_CORES)}"` };
    const command = ['trace', goldenModelPath('mini-q8_0'), '--tokens', '1,2,3,4,5', ...args];
    const { status, err, out } = await startCli(command, env).finished;
    expect(err).toContain('32 cores');
    expect(err).not.toMatch(/warning|leak|listeners/i);
    expect(out).toContain('MATCH');
    expect(status).toBe(0);
  },
  120_000,
);
