import { afterAll, describe, expect, it } from 'vitest';
import { fail } from '../../src/base/errors';
import type { Report } from '../../src/divergence/report';
import type { RunSpec } from '../../src/session/events';
import { makeModel } from '../support/gguf-models';
import { lossySession, type OpenDevice } from '../support/lossy-session';
import { fragileGpu } from '../support/fragile-gpu';
import { ownContext } from '../support/gpu';
import { BOTH, recorder } from '../support/session';

const TOKENS = [1, 270, 33];
/** Small, and deep enough to be lost before, between and after its layers. The fault on purpose needs a type that another can be taken for. */
const MODEL = makeModel({
  shape: { nLayer: 6, nEmbd: 256, nFfExp: 256 },
  type: 'Q4_K',
  types: { ffn_down_exps: 'Q6_K' },
});

const fragile = fragileGpu();
const openFragile: OpenDevice = () => fragile();
/** The driver's own way of losing a device. */
const openReal: OpenDevice = async () => {
  const context = await ownContext();
  return {
    context,
    lose: () => {
      context.device.destroy();
    },
  };
};

/** Runs, takes the device away each time that one of `layers` has been compared, and goes on. */
async function interrupted(open: OpenDevice, spec: Partial<RunSpec>, layers: readonly (number | undefined)[]) {
  const { session, devices } = await lossySession(MODEL, open);
  const lost: number[] = [];
  const seen = recorder();
  try {
    const report = await session.run(
      { ...BOTH, tokens: TOKENS, ...spec },
      {
        ...seen,
        onEvent: (event) => {
          seen.onEvent(event);
          if (event.type === 'rows' && layers.includes(event.layer)) devices.at(-1)?.lose();
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

const calm = lossySession(MODEL, openFragile);
afterAll(async () => {
  await (await calm).session.dispose();
});

async function undisturbed(spec: Partial<RunSpec>): Promise<Report> {
  return (await calm).session.run({ ...BOTH, tokens: TOKENS, ...spec }, recorder());
}

describe('a GPU that is lost in mid-run', () => {
  it.each([
    ['destroyed by the driver', openReal, {}, [0, 3], [1, 4]],
    ['both ways of running, lost twice', openFragile, {}, [0, 3], [1, 4]],
    ['before the head', openFragile, { mode: 'free' }, [5], [6]],
    ['stages alone', openFragile, { mode: 'isolated' }, [2], [3]],
    [
      'few layers and stages',
      openFragile,
      { layers: '1..5', stages: 'moe_router,moe_ffn_out', positions: 'last' },
      [1],
      [2],
    ],
    ['with a fault on purpose', openFragile, { inject: ['qtype-blind@layer=4,tensor=ffn_down_exps'] }, [2], [3]],
  ] as const)('the run goes on from the last finished layer, to the bit: %s', async (_, open, spec, at, done) => {
    const { report, lost, devices, events } = await interrupted(open, spec, at);
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
    const { session, devices } = await lossySession(MODEL, openFragile);
    const seen = recorder();
    const spec = { ...BOTH, tokens: TOKENS };
    await expect(
      session.run(spec, {
        onEvent: (event) => {
          seen.onEvent(event);
          if (event.type === 'rows' && event.layer === 1) devices.at(-1)?.lose();
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
    const { session, devices } = await lossySession(MODEL, openFragile);
    const run = session.run(
      { ...BOTH, tokens: TOKENS },
      {
        onEvent: (event) => {
          if (event.type === 'rows' && event.layer === 0) devices.at(-1)?.lose();
        },
      },
    );
    await expect(run).rejects.toMatchObject({ code: 'gpu-lost' });
    await session.dispose();
  });
});
