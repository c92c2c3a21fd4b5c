import tseslint from 'typescript-eslint';
import importX from 'eslint-plugin-import-x';
import { createTypeScriptImportResolver } from 'eslint-import-resolver-typescript';
import reactHooks from 'eslint-plugin-react-hooks';
import { MAY_IMPORT } from './scripts/lib/import-directions.mjs';

const FOLDERS = Object.keys(MAY_IMPORT);

/** Cases of operations stand beside their kernels, but belong to the self-test: no engine carries them. */
const CASES = './src/ops/*/*case*.ts';
const TARGETS = { ops: ['./src/ops/*.ts', './src/ops/*/!(*case*).ts'], selftest: ['./src/selftest', CASES] };

const directionZones = FOLDERS.flatMap((folder) =>
  FOLDERS.filter((other) => other !== folder && !MAY_IMPORT[folder].includes(other)).map((other) => ({
    target: TARGETS[folder] ?? `./src/${folder}`,
    from: `./src/${other}`,
    message: `src/${folder} may import only: ${MAY_IMPORT[folder].join(', ') || 'nothing'} (ARCHITECTURE.md, dependency direction).`,
  })),
);

/** Everything but this folder must not name WebGPU types or `navigator.gpu`. */
const onlyGpuSaysGpu = [
  {
    selector: ':matches(Identifier, TSTypeReference > Identifier)[name=/^GPU[A-Z]/]',
    message: 'Only src/gpu/ says GPU* (ARCHITECTURE.md).',
  },
];

export default tseslint.config(
  { ignores: ['dist/', 'node_modules/', 'test-results/', 'playwright-report/', 'public/', '.cache/', 'wasm/'] },
  ...tseslint.configs.strict,
  ...tseslint.configs.stylistic,
  {
    files: ['**/*.{ts,tsx}'],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    plugins: { 'import-x': importX },
    settings: { 'import-x/resolver-next': [createTypeScriptImportResolver({ project: './tsconfig.json' })] },
    rules: {
      'import-x/no-restricted-paths': ['error', { zones: directionZones }],
      'import-x/no-cycle': ['error', { ignoreExternal: true }],
      'import-x/no-default-export': 'error',
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-non-null-assertion': 'off',
      'no-console': 'error',
      'max-lines': ['error', { max: 600, skipBlankLines: false, skipComments: false }],
    },
  },
  {
    files: ['src/**/*.{ts,tsx}'],
    ignores: ['src/gpu/**'],
    rules: { 'no-restricted-syntax': ['error', ...onlyGpuSaysGpu] },
  },
  {
    files: ['src/**/*.{ts,tsx}'],
    ignores: ['src/worker/**'],
    rules: {
      'no-restricted-imports': ['error', { paths: [{ name: 'comlink', message: 'Only src/worker/ says comlink.' }] }],
    },
  },
  {
    files: ['src/ui/**/*.tsx', 'src/main.tsx'],
    plugins: { 'react-hooks': reactHooks },
    rules: reactHooks.configs.recommended.rules,
  },
  {
    files: ['**/*.config.{ts,js}', 'src/cli/**', 'scripts/**', 'bench/**'],
    rules: { 'import-x/no-default-export': 'off', 'no-console': 'off' },
  },
);
