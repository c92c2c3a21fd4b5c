import { describe, expect, it, vi } from 'vitest';
import type { Report } from '../../src/divergence/report';
import { createCpuEngine } from '../../src/cpu/engine/cpu-engine';
import { createInlinePool } from '../../src/cpu/pool/inline-pool';
import { nodeSource } from '../../src/gguf/node-source';
import { openModel } from '../../src/gguf/open-model';
import { openSource } from '../../src/gguf/open-source';
import type { EngineHooks, StepResult } from '../../src/model/engine';
import type { StageId } from '../../src/model/stages';
import { readHParams } from '../../src/model/read-hparams';
import type { RunSpec } from '../../src/session/events';
import type { Host } from '../../src/session/host';
import type { FromReference, ReferenceWorker, ToReference } from '../../src/session/reference/protocol';
import { createReferenceThread, referenceFor } from '../../src/session/reference/reference-thread';
import { serveReference } from '../../src/session/reference/serve-reference';
import { codeOf } from '../support/errors';
import { goldenModelPath, loadGolden } from '../support/golden';
import { localThread, type LocalThread } from '../support/local-thread';
import { BOTH, recorder, TEST_HOST, testSession } from '../support/session';

vi.setConfig({ testTimeout: 120_000 });

const NAME = 'mini-q4_k_m';
const LAYER: readonly StageId[] = ['q_proj', 'attention', 'moe_router', 'moe_router_indices', 'moe_ffn_out'];

const localReference = (): LocalThread<ToReference, FromReference> =>
  localThread((port) =>
    serveReference(port, (descriptor) => openSource(descriptor, { openPath: nodeSource }), createInlinePool),
  );

const elsewhere = (start: () => ReferenceWorker = localReference): Host => ({
  ...TEST_HOST,
  createReference: (model, hparams, hooks) => createReferenceThread(model, hparams, hooks, start),
});

async function open(hooks: EngineHooks = {}, start: () => ReferenceWorker = localReference) {
  const model = await openModel([await nodeSource(goldenModelPath(NAME))]);
  const hparams = readHParams(model);
  const here = createCpuEngine({ model, hparams, pool: createInlinePool(model) });
  const there = createReferenceThread(model, hparams, hooks, start);
  const close = async (): Promise<void> => {
    await there.dispose();
    await model.close();
  };
  return { model, hparams, here, there, close };
}

function bitsOf({ captures }: StepResult): unknown {
  return [...captures].map(([stage, { data, bound, exact, ...rest }]) => [stage, rest, data, bound, exact]);
}

/** What does not depend on when and how fast. */
function lasting({ memory, ...report }: Report): unknown {
  return { ...report, created: '', timing: undefined, memory: memory.traceBytes };
}

async function run(host: Host, spec: Partial<RunSpec>): Promise<Report> {
  const session = await testSession(goldenModelPath(NAME), host);
  try {
    return await session.run({ ...BOTH, tokens: [...loadGolden(NAME, 'p12').tokens], ...spec }, recorder());
  } finally {
    await session.dispose();
  }
}

describe('the reference in a thread of its own', () => {
  it('gives the bits of one in this thread, step by step, and tells what it reads', async () => {
    const read = { bytes: 0 };
    const { hparams, here, there, close } = await open({ onRead: (_, bytes) => void (read.bytes += bytes) });
    const tokens = Uint32Array.from(loadGolden(NAME, 'p12').tokens);
    const positions = Array.from(tokens, (_, i) => i);
    const capture = new Map(LAYER.map((stage) => [stage, positions] as const));
    const ends = new Map<StageId, readonly number[]>([['lm_head', [11]]]);
    const begun = await there.begin(tokens, 0, { capture: new Map([['embedding', positions]]) });
    expect(bitsOf(begun)).toEqual(
      bitsOf(await here.begin(tokens, 0, { capture: new Map([['embedding', positions]]) })),
    );
    let bytesRead = begun.bytesRead;
    const of = { capture, exact: true };
    for (let layer = 0; layer < hparams.nLayer; layer++) {
      const step = await there.layer(layer, of);
      expect(bitsOf(step)).toEqual(bitsOf(await here.layer(layer, of)));
      bytesRead += step.bytesRead;
    }
    const fed = { captures: new Map(begun.captures), layerInput: begun.captures.get('embedding') };
    const norm = { capture: new Map([['attn_norm', positions]] as const), bounds: true };
    const isolated = await there.isolate(0, fed, norm);
    expect(isolated.captures.get('attn_norm')?.bound?.some((bound) => bound > 0)).toBe(true);
    expect(bitsOf(isolated)).toEqual(bitsOf(await here.isolate(0, fed, norm)));
    const both = await there.advanceAndIsolate(
      undefined,
      { capture: ends },
      { captures: new Map(), layerInput: undefined },
      { capture: new Map() },
    );
    expect(bitsOf(both[0])).toEqual(bitsOf(await here.end({ capture: ends })));
    bytesRead += isolated.bytesRead + both[0].bytesRead;
    expect(read.bytes).toBe(bytesRead);
    // What fails there fails here with its code.
    expect(await codeOf(() => there.begin(Uint32Array.of(1e6), 0, { capture: new Map() }))).toBe('prompt-token');
    expect(await codeOf(() => there.layer(5, { capture: new Map() }))).toBe('internal');
    await close();
  });

  it('is cancelled within a step, and goes on with another run', async () => {
    const { there, close } = await open();
    const abort = new AbortController();
    const tokens = new Uint32Array(400).fill(3);
    await there.begin(tokens, 0, { capture: new Map() });
    const running = codeOf(() => there.layer(0, { capture: new Map(), signal: abort.signal }));
    setTimeout(() => {
      abort.abort();
    }, 20);
    expect(await running).toBe('run-cancelled');
    expect((await there.begin(Uint32Array.of(1), 0, { capture: new Map([['embedding', [0]]]) })).captures.size).toBe(1);
    await close();
  });

  it('fails its calls when it dies, and is started again', async () => {
    const threads: LocalThread<ToReference, FromReference>[] = [];
    const { there, close } = await open({}, () => {
      const thread = localReference();
      threads.push(thread);
      return thread;
    });
    const begin = (): Promise<StepResult> => there.begin(Uint32Array.of(1, 2), 0, { capture: new Map() });
    await begin();
    const layer = codeOf(() => there.layer(0, { capture: new Map() }));
    threads[0]?.crash('it was shot');
    expect(await layer).toBe('cpu-worker');
    await begin();
    expect(threads.length).toBe(2);
    await close();
  });

  it.each<[string, Partial<RunSpec>]>([
    ['the default modes', { mode: 'local,free' }],
    ['isolated stages', { mode: 'local,isolated,free' }],
    ['experts of the reference', { mode: 'free', routing: 'reference' }],
    ['a faulty kernel', { mode: 'local,free', inject: ['qtype-blind@layer=1'] }],
    ['tokens behind the prompt, by engine and decoder', { mode: 'local,free', decode: 2 }],
  ])('gives the report that one thread gives: %s', async (_, spec) => {
    expect(lasting(await run(elsewhere(), spec))).toEqual(lasting(await run(TEST_HOST, spec)));
  });

  it('is left in this thread on few cores, and where the file would be fetched anew', async () => {
    const { model, hparams, close } = await open();
    const none = (): ReferenceWorker => {
      throw new Error('started in vain');
    };
    expect(referenceFor(model, hparams, 3, {}, none)).toBeUndefined();
    expect(referenceFor({ ...model, descriptors: [{ kind: 'http', url: 'x' }] }, hparams, 8, {}, none)).toBeUndefined();
    const engine = referenceFor(model, hparams, 4, {}, localReference);
    expect(engine?.id).toBe('cpu');
    await engine?.dispose();
    await close();
  });
});
