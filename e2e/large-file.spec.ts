import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test, traceModel } from 'moescope/playwright';
import { makeSparseModel } from '../tests/support/gguf-models';
import { peakResidentBytes, processesWith } from '../tests/support/memory-watch';

const GIB = 2 ** 30;
/** As much as Qwen3-30B-A3B at Q4_K_M; a sparse file takes no such room on the disk. */
const HOLE_BYTES = 18_500_000_000;
let folder: string;
let path: string;

test.beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'moescope-large-'));
  path = join(folder, 'large.gguf');
  await makeSparseModel(path, { seed: 5, type: 'Q8_0' }, HOLE_BYTES);
});
test.afterAll(() => rm(folder, { recursive: true }));

test('a file of 18.5 GB opens and traces in the page with less than 1 GiB of memory', async ({ page }) => {
  expect((await stat(path)).size).toBeGreaterThan(HOLE_BYTES);
  const report = await traceModel(page, { file: path, tokens: [1, 2, 3] });
  expect(report).toMatchReference();
  expect(report.verdict.sentence).toContain('MATCH: 2 layers, 27 stages, 3 tokens agree');
  const peaks = processesWith('--type=renderer').flatMap((pid) => peakResidentBytes(pid) ?? []);
  expect(peaks.length).toBeGreaterThan(0);
  // The whole process of the page and its workers: more than what JavaScript holds.
  for (const peak of peaks) expect(peak).toBeLessThan(GIB);
  const { memory, model } = report;
  expect(model.bytes).toBeGreaterThan(HOLE_BYTES);
  // The budget of a software adapter; the rest of the peak is buffers of a prompt of three tokens.
  expect(memory.gpuWeightBytes).toBeGreaterThan(0);
  expect(memory.gpuPeakBytes).toBeLessThan(GIB);
  // Two layers of a small model, spread over gigabytes of holes: none of them is read.
  expect(memory.bytesRead).toBeLessThan(4 * 2 ** 20);
});
