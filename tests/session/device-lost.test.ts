import { describe, expect, it } from 'vitest';
import { fail } from '../../src/base/errors';
import type { GpuContext } from '../../src/gpu/device';
import type { Report } from '../../src/divergence/report';
import type { RunSpec } from '../../src/session/events';
import type { ModelSession } from '../../src/session/model-session';
import { SAMPLE_PATH } from '../support/golden';
import { BOTH, recorder, TEST_HOST, testSession } from '../support/session';
import { testContext } from '../support/gpu';

const TOKENS = [420, 327, 220, 17, 10];

/** A session whose devices can be taken away. */
async function fragileSession(): Promise<{ readonly session: ModelSession; readonly devices: GpuContext[] }> {
  const devices: GpuContext[] = [];
  const session = await testSession(SAMPLE_PATH, {
    ...TEST_HOST,
    openGpu: async () => {
      const context = await testContext();
      devices.push(context);
      return context;
    },
  });
  return { session, devices };
}

/** Runs, takes the device away each time that one of `layers` has been compared, and goes on. */
async function interrupted(spec: Partial<RunSpec>, layers: readonly (number | undefined)[]) {
  const { session, devices } = await fragileSession();
  const lost: number[] = [];
  const seen = recorder();
  try {
    const report = await session.run(
      { ...BOTH, tokens: TOKENS, ...spec },
      {
        ...seen,
        onEvent: (event) => {
          seen.onEvent(event);
          if (event.type === 'rows' && layers.includes(event.layer)) devices.at(-1)?.device.destroy();
        },
        onLost: (error, layersDone) => {
          expect(error.code).toBe('gpu-lost');
          lost.push(layersDone);
          return Promise.resolve();
        },
      },
    );
    return { report, lost, devices: devices.length, events: seen.events };
  } finally {
    await session.dispose();
  }
}

async function undisturbed(spec: Partial<RunSpec>): Promise<Report> {
  const session = await testSession(SAMPLE_PATH);
  try {
    return await session.run({ ...BOTH, tokens: TOKENS, ...spec }, recorder());
  } finally {
    await session.dispose();
  }
}

describe('a GPU that is lost in mid-run', () => {
  it.each([
    ['both ways of running, lost twice', {}, [0, 3], [1, 4]],
    ['before the head', { mode: 'free' }, [5], [6]],
    ['stages alone', { mode: 'isolated' }, [2], [3]],
    ['few layers and stages', { layers: '1..5', stages: 'moe_router,moe_ffn_out', positions: 'last' }, [1], [2]],
    ['with a fault on purpose', { inject: ['qtype-blind@layer=4,tensor=ffn_down_exps'] }, [2], [3]],
  ] as const)('the run goes on from the last finished layer, to the bit: %s', async (_, spec, at, done) => {
    const { report, lost, devices, events } = await interrupted(spec, at);
    expect(lost).toEqual(done);
    expect(devices).toBe(at.length + 1);
    const whole = await undisturbed(spec);
    expect(report.rows).toEqual(whole.rows);
    expect(report.routing).toEqual(whole.routing);
    expect(report.verdict).toEqual(whole.verdict);
    expect(report.top).toEqual(whole.top);
    // Nothing was told twice.
    const layers = events.flatMap((event) => (event.type === 'rows' ? (event.layer ?? []) : []));
    expect(new Set(layers).size).toBe(layers.length);
  });

  it('ends the run where nobody wants to go on, and the next one is as good as the first', async () => {
    const { session, devices } = await fragileSession();
    const seen = recorder();
    const spec = { ...BOTH, tokens: TOKENS };
    await expect(
      session.run(spec, {
        onEvent: (event) => {
          seen.onEvent(event);
          if (event.type === 'rows' && event.layer === 1) devices.at(-1)?.device.destroy();
        },
        onLost: () => Promise.reject(fail('run-cancelled', 'Cancelled.', 'Run again.')),
      }),
    ).rejects.toMatchObject({ code: 'run-cancelled' });
    expect(seen.events.at(-1)).toEqual({ type: 'cancelled', layersDone: 2 });
    const report = await session.run(spec, recorder());
    expect(report.rows).toEqual((await undisturbed({})).rows);
    await session.dispose();
  });

  it('without anybody to ask, is the failure of the run', async () => {
    const { session, devices } = await fragileSession();
    const run = session.run(
      { ...BOTH, tokens: TOKENS },
      {
        onEvent: (event) => {
          if (event.type === 'rows' && event.layer === 0) devices.at(-1)?.device.destroy();
        },
      },
    );
    await expect(run).rejects.toMatchObject({ code: 'gpu-lost' });
    await session.dispose();
  });
});
