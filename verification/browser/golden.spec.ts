import { test } from '@playwright/test';
import { testGoldens } from '../../e2e/support/golden';
import { FAMILIES } from '../../tests/families/goldens';
import { GOLDEN_MODELS } from '../../tests/support/golden';
import { keepLines, type GoldenLine } from '../golden-lines';

const lines: GoldenLine[] = [];
testGoldens(
  [...GOLDEN_MODELS, 'tiny-moe-6x16', ...FAMILIES.map((name) => `families/${name}`)],
  (_model, all) => all,
  ({ model, run: { adapter, worst: ratio }, worst: { cpu: exact, gpu, 'gpu-isolated': isolated }, ...rest }) => {
    lines.push({
      runtime: 'browser',
      ...{ model: model.replace('families/', ''), adapter, exact, gpu, isolated, ratio },
      ...{ arch: rest.arch, prompt: rest.prompt, tensors: rest.tensors },
    });
  },
);
test.afterAll(() => {
  keepLines(lines);
});
