import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

/** The linter counts TypeScript; styles, shaders and scripts are held to the same. */
const MOST_LINES = 600;
const FOLDERS = ['src', 'shaders', 'wasm', 'scripts', 'tests', 'e2e', 'verification', 'capture'];
const CODE = /\.(?:ts|tsx|mjs|css|wgsl|py|cpp)$/;

test('no file of code or style is longer than 600 lines', () => {
  const files = FOLDERS.flatMap((folder) =>
    readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && CODE.test(entry.name))
      .map(({ parentPath, name }) => `${parentPath}/${name}`),
  );
  expect(files.length).toBeGreaterThan(1000);
  const long = files.filter((file) => readFileSync(file, 'utf8').split('\n').length - 1 > MOST_LINES);
  expect(long).toEqual([]);
});
