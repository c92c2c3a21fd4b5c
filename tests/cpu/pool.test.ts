import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'vite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fail } from '../../src/base/errors';
import { seededRandom } from '../../src/base/random';
import { assemblyScript } from '../../scripts/lib/assemblyscript.mjs';
import { createCpuEngine } from '../../src/cpu/engine/cpu-engine';
import type { CpuPool, MatmulJob } from '../../src/cpu/pool/cpu-pool';
import { createInlinePool } from '../../src/cpu/pool/inline-pool';
import { nodeWorker } from '../../src/cpu/pool/node-worker';
import type { FromWorker, ToWorker } from '../../src/cpu/pool/protocol';
import { serveWorker } from '../../src/cpu/pool/serve-worker';
import { fileBytes } from '../../src/gguf/tensor-rows';
import { MAX_UNIT_BYTES, planUnits } from '../../src/cpu/pool/unit';
import { createWorkerPool } from '../../src/cpu/pool/worker-pool';
import { memorySource } from '../../src/gguf/memory-source';
import type { ModelFile } from '../../src/gguf/model-file';
import { nodeSource } from '../../src/gguf/node-source';
import { openModel } from '../../src/gguf/open-model';
import { openSource } from '../../src/gguf/open-source';
import { readHParams } from '../../src/model/read-hparams';
import { boundWeight } from '../../src/model/bound-weights';
import { loadGolden } from '../support/golden';
import { makeModel } from '../support/gguf-models';
import { localThread, type LocalThread } from '../support/local-thread';
import { quickest } from '../support/quickest';
import { bits, captureAll, forward, openGolden, range } from './support';

const folder = mkdtempSync(join(tmpdir(), 'moescope-worker-'));
const entry = pathToFileURL(join(folder, 'cpu-worker.js'));

beforeAll(async () => {
  await build({
    configFile: false,
    logLevel: 'silent',
    plugins: [assemblyScript()],
    build: {
      ssr: true,
      outDir: folder,
      rolldownOptions: {
        input: { 'cpu-worker': fileURLToPath(new URL('../../src/cpu/pool/node-worker-entry.ts', import.meta.url)) },
      },
    },
  });
});

afterAll(() => {
  rmSync(folder, { recursive: true });
});

function threads(model: ModelFile, count: number): CpuPool {
  return createWorkerPool(
    model,
    range(count).map(() => nodeWorker(entry)),
  );
}

const localWorker = (): LocalThread<ToWorker, FromWorker> =>
  localThread((port) => {
    serveWorker(port, (descriptor) => openSource(descriptor, { openPath: nodeSource }));
    return undefined;
  });

interface HugeJob {
  readonly model: ModelFile;
  readonly job: MatmulJob;
  readonly small: MatmulJob;
}

let huge: Promise<HugeJob> | undefined;

/** A job of half a minute on one core: 16 M weights times 2,048 tokens. And one of 8 rows and one token. */
function hugeJob(): Promise<HugeJob> {
  return (huge ??= makeHugeJob());
}

async function makeHugeJob(): Promise<HugeJob> {
  const shape = { nLayer: 1, nEmbd: 2048, nVocab: 8192, nExpert: 2, nExpertUsed: 1 };
  const model = await openModel([memorySource(makeModel({ shape, type: 'Q8_0', tied: true }), 'huge.gguf')]);
  const { tensor } = boundWeight(model, readHParams(model), 'token_embd');
  const x = new Float64Array(2048 * 2048).fill(1);
  const job = { tensor, firstRow: 0, rows: 8192, x, nTokens: 2048, magnitudes: 0 };
  return { model, job, small: { ...job, rows: 8, nTokens: 1, x: x.slice(0, 2048) } };
}

/** Milliseconds from abort to rejection, when aborted in the middle of `job`. */
async function abortTime(pool: CpuPool, job: MatmulJob): Promise<number> {
  const controller = new AbortController();
  const running = pool.run([job], { signal: controller.signal });
  await new Promise((resolve) => setTimeout(resolve, 300));
  const aborted = performance.now();
  controller.abort();
  await expect(running).rejects.toMatchObject({ code: 'run-cancelled' });
  return performance.now() - aborted;
}

describe('units', () => {
  it('cover every row once, in order, in slices of at most 2 MiB', async () => {
    const { job } = await hugeJob();
    for (const workers of [1, 3, 64]) {
      for (const nTokens of [1, 7, 2048]) {
        const units = planUnits(
          [
            { ...job, nTokens },
            { ...job, firstRow: 5, rows: 1, nTokens },
          ],
          workers,
        );
        const rows = units.filter((u) => u.job === 0);
        expect(rows.reduce((next, u) => (expect(u.firstRow).toBe(next), next + u.rows), 0)).toBe(job.rows);
        expect(units.at(-1)).toEqual({ job: 1, tensor: job.tensor, firstRow: 5, rows: 1 });
        for (const unit of rows) expect(fileBytes(unit)).toBeLessThanOrEqual(MAX_UNIT_BYTES);
        // Every worker finds something in a job that is worth sharing.
        if (nTokens === 2048 && workers > 1) expect(rows.length).toBeGreaterThanOrEqual(workers);
      }
    }
  });
});

describe('pools', () => {
  it('give the same bits: in this thread, over one local worker, over three threads', async () => {
    const { model, hparams } = await openGolden('tiny-moe-6x16');
    const { tokens } = loadGolden('tiny-moe-6x16', 'p1');
    const options = { capture: captureAll(range(tokens.length)), bounds: true };
    const run = async (pool: CpuPool): ReturnType<typeof forward> => {
      const result = await forward(createCpuEngine({ model, hparams, pool }), hparams, tokens, options);
      await pool.dispose();
      return result;
    };
    const inline = await run(createInlinePool(model));
    const inThreads = await run(threads(model, 3));
    const inMemory = await openModel([memorySource(makeModel({}), 'made.gguf')]);
    const local = createWorkerPool(inMemory, [localWorker()]);
    const { tensor } = boundWeight(inMemory, readHParams(inMemory), 'attn_q', 1);
    const random = seededRandom(1);
    const x = Float64Array.from({ length: 3 * 64 }, () => random.normal());
    const job = { tensor, firstRow: 7, rows: 31, x, nTokens: 3, magnitudes: 2 };
    expect(await local.run([job, job], {})).toEqual(await createInlinePool(inMemory).run([job, job], {}));

    expect(inThreads.captures).toHaveLength(inline.captures.length);
    for (const captured of inThreads.captures) {
      const other = inline.captured(captured.stage, captured.layer);
      expect([...bits(captured)], captured.stage).toEqual([...bits(other)]);
      expect([...(captured.bound ?? [])], captured.stage).toEqual([...(other.bound ?? [])]);
    }
    await model.close();
  });

  it('of 32 workers wait for one signal without a warning of leaks', async () => {
    const warnings: string[] = [];
    const keep = (warning: Error): void => {
      warnings.push(warning.message);
    };
    process.on('warning', keep);
    const { model, small } = await hugeJob();
    const pool = createWorkerPool(
      model,
      range(32).map(() => localWorker()),
    );
    const { signal } = new AbortController();
    const jobs = range(64).map((i) => ({ ...small, firstRow: 8 * i }));
    pool.expect(jobs);
    await pool.run(jobs, { signal });
    await pool.dispose();
    // Warnings are sent on the next tick.
    await new Promise((resolve) => setTimeout(resolve, 5));
    process.off('warning', keep);
    expect(warnings).toEqual([]);
  });

  it('report every byte they read', async () => {
    const { model, job } = await hugeJob();
    const jobs = [{ ...job, nTokens: 1, x: job.x.slice(0, 2048) }];
    for (const pool of [createInlinePool(model), threads(model, 2)]) {
      let bytes = 0;
      await pool.run(jobs, {
        onRead: (tensor, n) => {
          expect(tensor).toBe('token_embd.weight');
          bytes += n;
        },
      });
      expect(bytes).toBe(job.tensor.bytes);
      await pool.dispose();
    }
  });

  it('have nothing to do for no jobs, and refuse an aborted signal at once', async () => {
    const { model, small } = await hugeJob();
    const pool = createWorkerPool(model, [localWorker()]);
    expect(await pool.run([], {})).toEqual([]);
    await expect(pool.run([small], { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'run-cancelled' });
  });
});

describe('cancelling', () => {
  it('stops the calling thread within half a second', async () => {
    const { model, job } = await hugeJob();
    expect(await quickest(500, () => abortTime(createInlinePool(model), job))).toBeLessThan(500);
  });

  it('stops worker threads, which are free again within half a second', async () => {
    const { model, job, small } = await hugeJob();
    const pool = threads(model, 2);
    await pool.run([small], {});
    expect(await quickest(100, () => abortTime(pool, job))).toBeLessThan(100);
    const [expected] = await createInlinePool(model).run([small], {});
    const free = async (): Promise<number> => {
      await abortTime(pool, job);
      const started = performance.now();
      const [result] = await pool.run([small], {});
      const taken = performance.now() - started;
      expect(result).toEqual(expected);
      return taken;
    };
    expect(await quickest(500, free)).toBeLessThan(500);
    await pool.dispose();
  });
});

describe('failures', () => {
  it('keep the code of the original error', async () => {
    const { model, hparams } = await openGolden('mini-q8_0');
    const gone = (): Promise<never> => Promise.reject(fail('source-read', 'The disk is gone.', 'Put it back.'));
    // Of a server, which this thread reads for all.
    const far = { ...model, descriptors: [{ kind: 'http', url: 'https://example.org/model.gguf' }] as const };
    const pool = threads({ ...far, readTensor: gone }, 1);
    const engine = createCpuEngine({ model, hparams, pool });
    await engine.begin(Uint32Array.of(1), 0, { capture: new Map() });
    await expect(engine.layer(0, { capture: new Map() })).rejects.toMatchObject({ code: 'source-read' });
    await pool.dispose();
    await model.close();
  });

  it('a read beyond the file is source-read, and the pool goes on', async () => {
    const { model, small } = await hugeJob();
    const pool = createWorkerPool(model, [localWorker()]);
    const beyond = { ...small, tensor: { ...small.tensor, offset: model.bytes } };
    await expect(pool.run([beyond], {})).rejects.toMatchObject({ code: 'source-read' });
    expect(await pool.run([small], {})).toHaveLength(1);
  });

  it('a worker that dies breaks the pool with cpu-worker', async () => {
    const { model, job, small } = await hugeJob();
    const workers = [localWorker(), localWorker()];
    const pool = createWorkerPool(model, workers);
    const running = pool.run([job], {});
    while (!workers.every(({ posted }) => posted.length > 0)) await new Promise((resolve) => setImmediate(resolve));
    workers[1]?.crash('out of memory');
    await expect(running).rejects.toMatchObject({ code: 'cpu-worker', detail: { reason: 'out of memory' } });
    await expect(pool.run([small], {})).rejects.toMatchObject({ code: 'cpu-worker' });
    expect(workers[0]?.posted.at(-1)?.type).toBe('cancel');
  });

  it('a missing worker file is cpu-worker', async () => {
    const { model, small } = await hugeJob();
    const pool = createWorkerPool(model, [nodeWorker(pathToFileURL(join(folder, 'missing.js')))]);
    await expect(pool.run([small], {})).rejects.toMatchObject({ code: 'cpu-worker' });
    await pool.dispose();
    await pool.dispose();
  });
});
