import { describe, expect, it } from 'vitest';
import type { Report } from '../../src/divergence/report';
import type { GeneratedToken } from '../../src/session/generate';
import type { ModelSession } from '../../src/session/model-session';
import { fragileGpu, type Fragility } from '../support/fragile-gpu';
import { makeModel } from '../support/gguf-models';
import { lossySession } from '../support/lossy-session';
import { BOTH, recorder } from '../support/session';

const MODEL = makeModel();
const SPEC = { ...BOTH, tokens: [1, 270, 33] };
const GENERATED = 2;

const open = fragileGpu();
/** The first device is lost as told, the next ones last. */
const struck = (fragility: Fragility) => lossySession(MODEL, (nth) => open(nth === 0 ? fragility : {}));

const run = (session: ModelSession): Promise<Report> => session.run(SPEC, recorder());

async function continued(session: ModelSession): Promise<readonly number[]> {
  const said: GeneratedToken[] = [];
  await session.generate(SPEC, SPEC.tokens, { count: GENERATED, onToken: (token) => said.push(token) });
  return said.map(({ token }) => token);
}

/** What an undisturbed session gives, and how many submits that takes. */
const calm = (async () => {
  const { session, devices } = await struck({});
  const report = await run(session);
  const afterRun = devices[0]?.submits ?? 0;
  const said = await continued(session);
  const afterAll = devices[0]?.submits ?? 0;
  await session.dispose();
  return { report, said, afterRun, afterAll };
})();

/** The submits of a run, then those of a continuation: known once one went through. */
const { afterRun, afterAll } = await calm;
const RUN = Array.from({ length: afterRun }, (_, i) => i);
const CONTINUATION = Array.from({ length: afterAll - afterRun }, (_, i) => afterRun + i);

describe.each([
  ['just before', false],
  ['just after', true],
])('a GPU that is lost %s a submit', (_, runs) => {
  it.each(RUN)('number %i: the run fails as lost, and the next one is as good as any', async (at) => {
    const { session, devices } = await struck({ at, runs });
    const seen = recorder();
    await expect(session.run(SPEC, seen)).rejects.toMatchObject({ code: 'gpu-lost', remedy: expect.any(String) });
    expect(seen.events.at(-1)).toMatchObject({ type: 'failed', error: { code: 'gpu-lost' } });
    const next = await run(session);
    expect(devices.length).toBe(2);
    expect(next.rows).toEqual((await calm).report.rows);
    expect(next.verdict).toEqual((await calm).report.verdict);
    await session.dispose();
  });

  it.each(RUN)('number %i: the run goes on where someone wants it to, to the bit', async (at) => {
    const { session } = await struck({ at, runs });
    const report = await session.run(SPEC, { ...recorder(), onLost: () => Promise.resolve() });
    expect(report.rows).toEqual((await calm).report.rows);
    expect(report.top).toEqual((await calm).report.top);
    await session.dispose();
  });

  it.each(CONTINUATION)('number %i, while text goes on: fails as lost, and can be asked for again', async (at) => {
    const { session } = await struck({ at, runs });
    await run(session);
    await expect(continued(session)).rejects.toMatchObject({ code: 'gpu-lost' });
    expect(await continued(session)).toEqual((await calm).said);
    await session.dispose();
  });
});

it('strikes at every submit there is', () => {
  expect(RUN.length).toBeGreaterThanOrEqual(2 * 4);
  expect(CONTINUATION.length).toBeGreaterThanOrEqual(2 * GENERATED);
});
