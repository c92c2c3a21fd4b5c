import { expect, test, traceModel, type Report } from 'moescope/playwright';

/** What a project that uses the package writes. The suite around it runs this file as such a project would. */
const FILE = process.env['MODEL'] ?? '';
const RUN = { file: FILE, tokens: [5, 40], stages: ['moe_router', 'moe_ffn_out'] } as const;

test('a kernel that is right', async ({ page }) => {
  const report: Report = await traceModel(page, RUN);
  expect(report).toMatchReference();
  expect(report).toMatchBaseline('accepted/run.json');
  expect(report.run.tokens).toEqual([5, 40]);
});

test('a kernel that is wrong', async ({ page }) => {
  const report = await traceModel(page, { ...RUN, inject: ['qtype-blind@layer=1,tensor=ffn_down_exps'] });
  expect.soft(report).toMatchReference();
  expect.soft(report).toMatchBaseline('accepted/run.json');
  expect.soft(report).toMatchBaseline('accepted/new.json');
});

test.describe('on a GPU', () => {
  test.use({ moescope: { adapter: 'hardware' } });
  test('fails without one', async ({ page }) => {
    await traceModel(page, RUN);
  });
});

test.describe('on a vendor', () => {
  test.use({ moescope: { adapter: { vendor: 'nvidia' } } });
  test('fails on another', async ({ page }) => {
    await traceModel(page, RUN);
  });
});
