import { describe, expect, it, vi } from 'vitest';
import type { Report } from '../../src/divergence/report';
import { nodeSource } from '../../src/gguf/node-source';
import { openSource } from '../../src/gguf/open-source';
import type { RunSpec } from '../../src/session/events';
import type { Host } from '../../src/session/host';
import { createJudgePool, judgesFor } from '../../src/session/judging/judge-pool';
import type { FromJudge, JudgeWorker, ToJudge } from '../../src/session/judging/protocol';
import { serveJudge } from '../../src/session/judging/serve-judge';
import { goldenModelPath, loadGolden } from '../support/golden';
import { localThread, type LocalThread } from '../support/local-thread';
import { BOTH, recorder, TEST_HOST, testSession } from '../support/session';

vi.setConfig({ testTimeout: 120_000 });

const localJudge = (): LocalThread<ToJudge, FromJudge> =>
  localThread((port) => serveJudge(port, (descriptor) => openSource(descriptor, { openPath: nodeSource })));

const judging = (threads: number, start: () => JudgeWorker = localJudge): Host => ({
  ...TEST_HOST,
  createJudges: (model, hparams) => createJudgePool(model, hparams, { threads, start }),
});

async function run(host: Host, spec: Partial<RunSpec>, name = 'mini-q4_k_m', signal?: AbortSignal): Promise<Report> {
  const session = await testSession(goldenModelPath(name), host);
  try {
    const tokens = [...loadGolden(name, 'p12').tokens];
    return await session.run(
      { ...BOTH, tokens, ...spec },
      { ...recorder(), ...(signal === undefined ? {} : { signal }) },
    );
  } finally {
    await session.dispose();
  }
}

/** What does not depend on when and how fast. */
function lasting({ memory, ...report }: Report): unknown {
  return { ...report, created: '', timing: undefined, memory: memory.traceBytes };
}

describe('layers that other threads judge', () => {
  it.each<[string, Partial<RunSpec>]>([
    ['all of a run', { mode: 'local,free' }],
    ['local errors alone', { mode: 'local' }],
    [
      'some stages at some positions',
      { mode: 'local,free', stages: 'attention,moe_ffn_out,lm_head', positions: '4..12' },
    ],
    ['an engine whose arithmetic is found out', { mode: 'local,free', engines: ['cpu-ggml', 'cpu'] }],
    ['a faulty kernel, with what its values look like', { mode: 'local,free', inject: ['qtype-blind@layer=1'] }],
    ['values that are not finite', { mode: 'local,free', inject: ['nan@layer=1,tensor=attn_q'] }],
    ['tokens behind the prompt', { mode: 'local,free', decode: 1 }],
  ])('give the report that one thread gives: %s', async (_, spec) => {
    expect(lasting(await run(judging(3), spec))).toEqual(lasting(await run(TEST_HOST, spec)));
  });

  it('fail the run when one of them dies, and the next run has another', async () => {
    let judges = 0;
    const host = judging(2, () => {
      const judge = localJudge();
      if (judges++ > 0) return judge;
      const post: JudgeWorker['post'] = (message, transfer) => {
        judge.post(message, transfer);
        if (message.type === 'judge') judge.crash('it was shot');
      };
      return { ...judge, post };
    });
    const session = await testSession(goldenModelPath('mini-q8_0'), host);
    const spec: RunSpec = { ...BOTH, tokens: [1, 2, 3], mode: 'local,free' };
    await expect(session.run(spec, recorder())).rejects.toMatchObject({ code: 'cpu-worker' });
    expect((await session.run(spec, recorder())).verdict.status).toBe('match');
    await session.dispose();
  });

  it('end with the run that is cancelled', async () => {
    const cancel = new AbortController();
    const host = judging(2, () => {
      setImmediate(() => {
        cancel.abort();
      });
      return localJudge();
    });
    await expect(run(host, { mode: 'local,free' }, 'mini-q8_0', cancel.signal)).rejects.toMatchObject({
      code: 'run-cancelled',
    });
  });

  it('are there on machines of several cores, for files that each can read', async () => {
    const session = await testSession(goldenModelPath('mini-q8_0'));
    const { model, hparams } = session;
    expect(judgesFor(model, hparams, 2, localJudge)).toBeUndefined();
    const far = { ...model, descriptors: [{ kind: 'http', url: 'https://example.org/model.gguf' }] as const };
    expect(judgesFor(far, hparams, 16, localJudge)).toBeUndefined();
    expect(judgesFor(model, hparams, 16, localJudge)).toBeDefined();
    await session.dispose();
  });
});
