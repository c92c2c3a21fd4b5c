import tseslint from 'typescript-eslint';
import importX from 'eslint-plugin-import-x';
import { createTypeScriptImportResolver } from 'eslint-import-resolver-typescript';
import reactHooks from 'eslint-plugin-react-hooks';

/**
 * The direction of dependencies: what each folder of src/ may import besides itself. `ARCHITECTURE.md` draws it; this list holds it.
 */
const MAY_IMPORT = {
  base: [],
  gguf: ['base'],
  cache: ['base', 'gguf'],
  tokenizer: ['base', 'gguf'],
  arch: ['base', 'gguf'],
  ops: ['base', 'gguf', 'arch', 'model'],
  model: ['base', 'gguf', 'arch'],
  synthetic: ['base', 'gguf', 'arch', 'model'],
  cpu: ['base', 'gguf', 'arch', 'ops', 'model'],
  gpu: ['base', 'gguf', 'arch', 'ops', 'model'],
  selftest: ['base', 'gguf', 'arch', 'ops', 'model', 'cpu', 'gpu'],
  trace: ['base', 'gguf', 'arch', 'model'],
  divergence: ['base', 'arch', 'model', 'trace'],
  regression: ['base', 'arch', 'model', 'divergence'],
  plots: ['base', 'arch', 'model', 'divergence'],
  offline: [],
  share: ['base', 'arch', 'model', 'trace', 'divergence', 'plots'],
  session: ['base', 'gguf', 'tokenizer', 'arch', 'ops', 'model', 'cpu', 'gpu', 'trace', 'divergence'],
  worker: [
    'base',
    'gguf',
    'cache',
    'tokenizer',
    'arch',
    'model',
    'cpu',
    'gpu',
    'trace',
    'divergence',
    'session',
    'plots',
    'share',
    'selftest',
  ],
  store: ['base', 'arch', 'model', 'divergence', 'session', 'worker', 'plots', 'share'],
  ui: ['base', 'cache', 'arch', 'model', 'divergence', 'session', 'plots', 'share', 'store', 'selftest'],
  cli: [
    'base',
    'gguf',
    'cache',
    'tokenizer',
    'arch',
    'model',
    'synthetic',
    'cpu',
    'gpu',
    'trace',
    'divergence',
    'regression',
    'session',
    'plots',
    'share',
    'selftest',
  ],
  playwright: ['base', 'gguf', 'arch', 'model', 'gpu', 'divergence', 'regression', 'plots', 'share', 'cli'],
};
const FOLDERS = Object.keys(MAY_IMPORT);

const directionZones = FOLDERS.flatMap((folder) =>
  FOLDERS.filter((other) => other !== folder && !MAY_IMPORT[folder].includes(other)).map((other) => ({
    target: `./src/${folder}`,
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
    files: ['**/*.config.{ts,js}', 'src/cli/**', 'scripts/**'],
    rules: { 'import-x/no-default-export': 'off', 'no-console': 'off' },
  },
);
