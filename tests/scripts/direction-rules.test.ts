import { ESLint } from 'eslint';
import { expect, test, vi } from 'vitest';

/** One folder pair each that the direction rules forbid and allow; the linter must see it, not a reviewer. */
const eslint = new ESLint();

/** The first file makes the linter read the whole project. */
vi.setConfig({ testTimeout: 240_000 });

/** Rules that a line of code at this place of the tree breaks. The file need not exist. */
async function brokenRules(filePath: string, code: string): Promise<readonly (string | null)[]> {
  const [result] = await eslint.lintText(code, { filePath });
  return (result?.messages ?? []).map((message) => message.ruleId);
}

// An existing file lends its path, so that the type-aware rules find it in the project; its content is replaced.
test.each([
  ['src/base/float.ts', "import { openModel } from '../gguf/open-model';\nexport const x = openModel;\n"],
  ['src/gguf/range.ts', "import { STAGES } from '../model/stages';\nexport const x = STAGES;\n"],
  ['src/model/plan.ts', "import { compareStep } from '../divergence/compare-step';\nexport const x = compareStep;\n"],
  ['src/cpu/kernels/dot.ts', "import { openDevice } from '../../gpu/device';\nexport const x = openDevice;\n"],
  ['src/gpu/device.ts', "import { dot } from '../cpu/kernels/dot';\nexport const x = dot;\n"],
  ['src/divergence/limits.ts', "import { runSession } from '../session/run-session';\nexport const x = runSession;\n"],
  ['src/session/run-session.ts', "import { runCli } from '../cli/run-cli';\nexport const x = runCli;\n"],
])('%s may not import against the direction', async (filePath, code) => {
  expect(await brokenRules(filePath, code)).toContain('import-x/no-restricted-paths');
});

test.each([
  ['src/gguf/range.ts', "import { fail } from '../base/errors';\nexport const x = fail;\n"],
  ['src/cli/run-cli.ts', "import { runSession } from '../session/run-session';\nexport const x = runSession;\n"],
])('%s may import with the direction', async (filePath, code) => {
  expect(await brokenRules(filePath, code)).toEqual([]);
});

test.each([
  ['a WebGPU type outside src/gpu', 'src/cpu/kernels/dot.ts', 'export type X = GPUDevice;\n', 'no-restricted-syntax'],
  [
    'comlink outside src/worker',
    'src/session/run-session.ts',
    "import { wrap } from 'comlink';\nexport const x = wrap;\n",
    'no-restricted-imports',
  ],
  ['a default export', 'src/base/float.ts', 'export default 1;\n', 'import-x/no-default-export'],
  ['a log to the console', 'src/base/float.ts', "console.log('x');\nexport {};\n", 'no-console'],
  [
    'a promise that nobody waits for',
    'src/base/float.ts',
    'export function f(): void {\n  Promise.resolve(1);\n}\n',
    '@typescript-eslint/no-floating-promises',
  ],
])('%s is refused', async (_, filePath, code, rule) => {
  expect(await brokenRules(filePath, code)).toContain(rule);
});

test('a WebGPU type in src/gpu is fine', async () => {
  expect(await brokenRules('src/gpu/device.ts', 'export type X = GPUDevice;\n')).toEqual([]);
});
