import { afterEach, describe, expect, it, vi } from 'vitest';
import { loadGolden, relativeRms } from '../support/golden';
import { captureAll, openGolden } from './support';
import type { KeysAndValues } from '../../src/cpu/kernels/head-attention';
import type { HeadProducts } from '../../src/ops/exact-op';
import type { RowsWork } from '../../src/cpu/kernels/rows-work';
import type { StageId } from '../../src/model/stages';

/** One wrong sign, factor or index each, in place of the real kernel, and the first stage that must show it. */
const MUTATIONS: readonly {
  readonly name: string;
  readonly file: string;
  readonly mutate: (real: Record<string, unknown>) => Record<string, unknown>;
  readonly stage: StageId;
}[] = [
  {
    name: 'a dot product with one sign flipped',
    file: 'cpu/kernels/row-products',
    mutate: wrap('rowProducts', (real, work) => {
      const { x, nIn, ...rest } = work as RowsWork;
      return call(real, { ...rest, nIn, x: x.map((v, i) => (i % nIn === nIn - 1 ? -v : v)) });
    }),
    stage: 'q_proj',
  },
  {
    name: 'RMSNorm with another eps',
    file: 'ops/rmsnorm/exact',
    mutate: wrap('rmsnorm', (real, x, at, weight, _eps, ...rest) => call(real, x, at, weight, 1e-5, ...rest)),
    stage: 'attn_norm',
  },
  {
    name: 'RoPE that turns the other way',
    file: 'ops/rope/exact',
    mutate: wrap('ropeTable', (real, position, ...rest) => call(real, -Number(position), ...rest)),
    stage: 'q_post_rope',
  },
  {
    name: 'positions off by one',
    file: 'ops/rope/exact',
    mutate: wrap('ropeTable', (real, position, ...rest) => call(real, Number(position) + 1, ...rest)),
    stage: 'q_post_rope',
  },
  {
    name: 'scores that are not scaled',
    file: 'cpu/kernels/head-attention',
    mutate: wrap('headAttention', (real, kv) => {
      const attention = call(real, kv) as HeadProducts;
      const root = (kv as KeysAndValues).divisor;
      return {
        ...attention,
        scores: (...args: Parameters<HeadProducts['scores']>): void => {
          attention.scores(...args);
          const [, , , nKeys, out, at] = args;
          for (let k = 0; k < nKeys; k++) out[at + k]! *= root;
        },
      };
    }),
    stage: 'attn_softmax',
  },
  {
    name: 'values without the last key',
    file: 'cpu/kernels/head-attention',
    mutate: wrap('headAttention', (real, kv) => {
      const attention = call(real, kv) as HeadProducts;
      return {
        ...attention,
        values: (weights: Float64Array, channel: number, nKeys: number, out: Float64Array, at: number): void => {
          attention.values(weights, channel, Math.max(1, nKeys - 1), out, at);
        },
      };
    }),
    stage: 'attention',
  },
  {
    name: 'weights that are not renormalised',
    file: 'ops/normalise/exact',
    mutate: wrap('normalise', (_real, ...args) => {
      const [p, at, experts, from, k, out, to] = args as [
        Float64Array,
        number,
        Uint32Array,
        number,
        number,
        Float64Array,
        number,
      ];
      for (let s = 0; s < k; s++) out[to + s] = p[at + experts[from + s]!]!;
    }),
    stage: 'moe_router',
  },
  {
    name: 'gate and up exchanged',
    file: 'ops/swiglu/exact',
    mutate: wrap('swiglu', (real, gate, up) => call(real, up, gate)),
    stage: 'moe_expert_swigl',
  },
  {
    name: 'a residual that is subtracted',
    file: 'ops/add/exact',
    mutate: wrap('add', (real, a, b) =>
      call(
        real,
        a,
        (b as Float64Array).map((v) => -v),
      ),
    ),
    stage: 'post_attn_residual',
  },
  {
    name: 'a weighted sum with equal weights',
    file: 'ops/weighted-sum/exact',
    mutate: wrap('weightedSum', (real, weights, ...rest) =>
      call(real, new Float64Array((weights as Float64Array).length).fill(1 / 3), ...rest),
    ),
    stage: 'moe_ffn_out',
  },
];

type AnyFunction = (...args: readonly unknown[]) => unknown;

function call(real: AnyFunction, ...args: readonly unknown[]): unknown {
  return real(...args);
}

/** The module with its export `name` replaced. */
function wrap(
  name: string,
  replacement: (real: AnyFunction, ...args: readonly unknown[]) => unknown,
): (real: Record<string, unknown>) => Record<string, unknown> {
  return (real) => ({
    ...real,
    [name]: (...args: readonly unknown[]) => replacement(real[name] as AnyFunction, ...args),
  });
}

afterEach(() => {
  for (const { file } of MUTATIONS) vi.doUnmock(`../../src/${file}`);
  vi.resetModules();
});

/** Relative RMS of a stage of layer 0 of mini-q4_k_m p12. */
async function errorOf(stage: StageId): Promise<number> {
  const { createCpuEngine } = await import('../../src/cpu/engine/cpu-engine');
  const { createInlinePool } = await import('../../src/cpu/pool/inline-pool');
  const { model, hparams } = await openGolden('mini-q4_k_m');
  const golden = loadGolden('mini-q4_k_m', 'p12');
  const engine = createCpuEngine({ model, hparams, pool: createInlinePool(model) });
  const options = { capture: captureAll(golden.positions) };
  await engine.begin(golden.tokens, 0, options);
  const { captures } = await engine.layer(0, options);
  await model.close();
  return relativeRms(captures.get(stage)?.data ?? [], golden.stage(stage, 0)?.data ?? []);
}

describe('the golden comparison', () => {
  it.each(MUTATIONS)('goes red for $name', async ({ file, mutate, stage }) => {
    expect(await errorOf(stage)).toBeLessThan(2e-7);
    vi.resetModules();
    vi.doMock(`../../src/${file}`, async (original: () => Promise<Record<string, unknown>>) =>
      mutate(await original()),
    );
    expect(await errorOf(stage)).toBeGreaterThan(5e-7);
  });
});
