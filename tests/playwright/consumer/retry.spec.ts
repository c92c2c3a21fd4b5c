import { expect, test, traceModel, type Report } from 'moescope/playwright';

/** What must fail, with retries as Playwright's own template has them in CI. */
const RUN = { file: process.env['MODEL'] ?? '', tokens: [5], stages: ['moe_router'], layers: '0' } as const;

test('a baseline that is missing', async ({ page }) => {
  expect(await traceModel(page, RUN)).toMatchBaseline('accepted/missing.json');
});

test('a file that is not there', async ({ page }) => {
  await traceModel(page, { ...RUN, file: 'gone.gguf' });
});

test('a file that is no model', async ({ page }) => {
  await traceModel(page, { ...RUN, file: 'package.json' });
});

test('what is no report', () => {
  expect(JSON.parse('{}') as Report).toMatchReference();
});
