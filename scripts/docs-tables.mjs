// npm run docs: writes the tables of docs/ that the code holds. tests/docs/ makes them, and says when they are out of date.
import { spawnSync } from 'node:child_process';
import process from 'node:process';

/** What writes; `examples.test.ts` beside them runs every command, and writes nothing. */
const FILES = ['tables', 'documents', 'errors'].map((name) => `tests/docs/${name}.test.ts`);

// One file after the other: one writes tables, another breaks lines, into the same documents.
const { status } = spawnSync('npx', ['vitest', 'run', ...FILES, '--no-file-parallelism'], {
  stdio: 'inherit',
  env: { ...process.env, WRITE_DOCS: '1' },
});
process.exitCode = status ?? 1;
