// npm run docs: writes the tables of docs/ that the code holds. tests/docs/ makes them, and says when they are out of date.
import { spawnSync } from 'node:child_process';
import process from 'node:process';

const { status } = spawnSync('npx', ['vitest', 'run', 'tests/docs'], {
  stdio: 'inherit',
  env: { ...process.env, WRITE_DOCS: '1' },
});
process.exitCode = status ?? 1;
