import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openRemote } from '../../src/cache/open-remote';
import type { Report } from '../../src/divergence/report';
import { nodeSource } from '../../src/gguf/node-source';
import { openModel } from '../../src/gguf/open-model';
import type { ModelFile } from '../../src/gguf/model-file';
import { ModelSession } from '../../src/session/model-session';
import { startRangeServer, type RangeServer } from '../support/gguf-http-server';
import { makeModel } from '../support/gguf-models';
import { BOTH, recorder, TEST_HOST } from '../support/session';

/** Most that may be read, against what the dense tensors, the chosen experts and the prompt's embedding rows hold. */
const MOST = 1.05;
const TOKENS = [1, 270, 33, 7, 102];
const SHAPE = { nLayer: 3, nEmbd: 256, nFfExp: 256, nExpert: 48, nExpertUsed: 4, nVocab: 4096 };

const bytes = makeModel({ shape: SHAPE, type: 'Q4_K', types: { ffn_down_exps: (l) => (l === 1 ? 'Q6_K' : 'Q4_K') } });
let folder: string;
let server: RangeServer;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'moescope-bytes-'));
  server = await startRangeServer(bytes);
});
afterAll(async () => {
  await server.close();
  await rm(folder, { recursive: true });
});

/** The bytes that one engine cannot do without. */
function neededBytes(model: ModelFile, report: Report): number {
  let needed = 0;
  for (const [name, { bytes: size, dims }] of model.tensors) {
    const layer = /^blk\.(\d+)\.ffn_(gate|up|down)_exps/.exec(name)?.[1];
    if (name === 'token_embd.weight') {
      needed += (new Set(TOKENS).size * size) / (dims[1] ?? 1);
    } else if (layer === undefined) needed += size;
    else {
      const rows = report.routing.filter((row) => row.layer === Number(layer));
      const chosen = new Set(rows.flatMap((row) => row.b?.experts ?? []));
      expect(chosen.size).toBeGreaterThan(4);
      expect(chosen.size).toBeLessThan(21);
      needed += (chosen.size * size) / SHAPE.nExpert;
    }
  }
  return needed;
}

async function trace(model: ModelFile): Promise<Report> {
  const session = new ModelSession(model, TEST_HOST);
  const report = await session.run({ ...BOTH, tokens: TOKENS }, recorder());
  await session.dispose();
  expect(report.verdict.status).toBe('match');
  const flips = report.rows.flatMap((row) => row.flips ?? []);
  expect(flips).toEqual([]);
  return report;
}

function expectPerArm(report: Report, needed: number): void {
  const read = (...names: readonly string[]): number =>
    report.timing.phases.filter(({ name }) => names.includes(name)).reduce((sum, phase) => sum + phase.bytes, 0);
  for (const engine of [read('cpu'), read('gpu', 'isolated')]) {
    expect(engine / needed).toBeGreaterThan(0.99);
    expect(engine / needed).toBeLessThan(MOST);
  }
}

describe('a trace reads what the chosen experts and the dense tensors need', () => {
  it('from disk, each engine for itself', async () => {
    const path = join(folder, 'many-experts.gguf');
    await writeFile(path, bytes);
    const model = await openModel([await nodeSource(path)]);
    const header = model.bytesRead;
    const report = await trace(model);
    const needed = neededBytes(model, report);
    expect(needed).toBeLessThan(0.5 * model.bytes);
    expectPerArm(report, needed);
    expect(model.bytesRead - header).toBeLessThan(2 * MOST * needed);
  });

  it('over HTTP, once for both engines', async () => {
    const model = await openModel([await openRemote({ kind: 'http', url: server.url }, false)]);
    // The header's prefix is kept as well, and holds some of the first tensors.
    const header = server.state.sent;
    const report = await trace(model);
    const needed = neededBytes(model, report);
    expectPerArm(report, needed);
    expect(server.state.sent - header).toBeLessThan(MOST * needed);
    expect(server.state.sent).toBeGreaterThan(0.99 * needed);
  });
});
