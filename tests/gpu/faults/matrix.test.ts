import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Culprit } from '../../../src/divergence/report';
import type { GpuContext } from '../../../src/gpu/device';
import { FAULTS, faultSpec, faultStages, faultTensors, type Fault, type FaultKind } from '../../../src/model/faults';
import { parseFault } from '../../../src/model/parse-fault';
import { weightName } from '../../../src/model/weights';
import { testContext } from '../../support/gpu';
import { KINDS, LAYER_ROLES } from '../../support/stages';
import { isolateFaults, referenceOf, type Isolated, type Reference } from './support';

/** Models, each with a short prompt: K-quants trained and random, Q8_0 with wide heads, MXFP4. */
const MODELS: Readonly<Record<string, readonly number[]>> = {
  'tiny-moe-6x16': [605, 432, 258, 17, 901],
  'mini-q4_k_m': [257, 300, 31, 410, 5],
  'deep-q8_0': [7, 8, 9, 10, 11],
  'mini-mxfp4': [257, 300, 31, 410, 5],
};
/** MXFP4 holds no NaN, and its scale has no mantissa: there the values' projection is struck, which is Q8_0. */
const NOT_IN_MXFP4: readonly FaultKind[] = ['nan', 'scale-bitflip'];
/** Faults that are too small for some layers: an epsilon beside large activations. */
const MAY_HIDE: readonly FaultKind[] = ['eps'];

let context: GpuContext;
beforeAll(async () => {
  context = await testContext();
});
afterAll(() => {
  context.dispose();
});

/** The first thing that is wrong in each layer, whatever the others are. */
function firstByLayer({ verdict }: Isolated): ReadonlyMap<number | undefined, Culprit> {
  const found = new Map<number | undefined, Culprit>();
  for (const culprit of [...(verdict.first === undefined ? [] : [verdict.first]), ...(verdict.others ?? [])]) {
    if (!found.has(culprit.layer)) found.set(culprit.layer, culprit);
  }
  return found;
}

/** An expert that token 2 chose. */
function chosenExpert({ layers, hparams }: Reference, layer: number): number {
  return layers[layer]?.captures.get('moe_router_indices')?.data[2 * hparams.nExpertUsed] ?? 0;
}

/** What has to be said of a fault: its stage, and its tensor and expert where it has them. */
function expectedOf(fault: Fault, { hparams, model }: Reference): Partial<Culprit> {
  const [stage] = faultStages(fault, hparams);
  const [role] = faultTensors(fault);
  const tensor = role === undefined ? undefined : weightName(role, fault.layer, hparams);
  const qtype = tensor === undefined ? undefined : model.tensors.get(tensor)?.type;
  return {
    layer: fault.layer,
    ...(stage === undefined ? {} : { stage }),
    ...(tensor === undefined ? {} : { tensor }),
    ...(qtype === undefined ? {} : { qtype }),
    ...(fault.expert === undefined ? {} : { expert: fault.expert }),
    ...(fault.position === undefined ? {} : { position: fault.position }),
  };
}

describe.each(Object.keys(MODELS))('%s', (name) => {
  let reference: Reference;
  beforeAll(async () => {
    reference = await referenceOf(name, MODELS[name] ?? []);
  });
  afterAll(() => reference.model.close());

  it('without a fault is within its bounds', async () => {
    const { verdict } = await isolateFaults(context, reference, [], [0, reference.hparams.nLayer - 1]);
    expect(verdict.sentence).toMatch(/^MATCH/);
  });

  it.each(KINDS)('%s is blamed exactly, in the first, a middle and the last layer', async (kind) => {
    const n = reference.hparams.nLayer;
    const faults = [...new Set([0, n >> 1, n - 1])].map((layer): Fault => {
      if (name === 'mini-mxfp4' && NOT_IN_MXFP4.includes(kind)) return { kind, layer, tensor: 'attn_v' };
      const hasExpert = faultSpec(kind).parameters.some((parameter) => parameter === 'expert');
      return { kind, layer, ...(hasExpert ? { expert: chosenExpert(reference, layer) } : {}) };
    });
    const blamed = firstByLayer(await isolateFaults(context, reference, faults));
    for (const fault of faults) {
      const culprit = blamed.get(fault.layer);
      if (!MAY_HIDE.includes(kind)) expect(culprit).toMatchObject(expectedOf(fault, reference));
      else if (culprit !== undefined) expect(faultStages(fault)).toContain(culprit.stage);
    }
    // An epsilon shows at least where activations are those of the embedding.
    expect(blamed.get(0)?.stage).toBe(faultStages({ kind, layer: 0, ...faults[0] }, reference.hparams)[0]);
  });
});

describe('of a layer with several kinds of weights', () => {
  let reference: Reference;
  beforeAll(async () => {
    reference = await referenceOf('mini-q4_k_m', MODELS['mini-q4_k_m'] ?? []);
  });
  afterAll(() => reference.model.close());

  const ofTensors = FAULTS.flatMap(({ kind, tensors }) =>
    tensors.filter((role) => LAYER_ROLES.includes(role)).map((tensor) => [kind, tensor] as const),
  ).filter(
    // Its router and norms are F32: no block, no scale.
    ([kind, tensor]) => kind !== 'scale-bitflip' || (tensor !== 'ffn_gate_inp' && !tensor.endsWith('norm')),
  );
  it.each(ofTensors)('%s of %s names that tensor and its type', async (kind, tensor) => {
    const expert = chosenExpert(reference, 1);
    const takesExpert = tensor.endsWith('exps') && kind !== 'qtype-blind';
    const fault: Fault = { kind, layer: 1, tensor, ...(takesExpert ? { expert } : {}) };
    const isolated = await isolateFaults(context, reference, [fault]);
    expect(isolated.verdict.first).toMatchObject(expectedOf(fault, reference));
    expect(isolated.verdict.others ?? []).toEqual([]);
  });

  const ofPositions = FAULTS.flatMap(({ kind, parameters }) =>
    parameters.some((parameter) => parameter === 'position') ? [kind] : [],
  );
  it.each(ofPositions)('%s at one position leaves the others alone', async (kind) => {
    const fault: Fault = { kind, layer: 0, position: 2 };
    const experts = reference.layers[0]?.captures.get('moe_router_indices')?.data ?? [];
    const expert = experts[2 * reference.hparams.nExpertUsed] ?? 0;
    const struck = kind === 'skip-expert' ? { ...fault, expert } : fault;
    const { rows, verdict } = await isolateFaults(context, reference, [struck]);
    expect(verdict.first).toMatchObject(expectedOf(struck, reference));
    const clean = await isolateFaults(context, reference, [], [0]);
    for (const [i, row] of rows.entries()) {
      const touched = row.perPosition?.flatMap((error, p) => (error === clean.rows[i]?.perPosition?.[p] ? [] : [p]));
      const own = faultStages(struck).some((stage) => stage === row.stage);
      // Half precision is another order of sums as well, but only for the rows that it computes.
      expect(touched, row.stage).toEqual(own ? [2] : []);
    }
  });

  it('several faults at once are each named, in forward order', async () => {
    const specs = [
      'no-renorm@layer=1',
      'bitflip@layer=1,tensor=attn_k',
      'rope-theta@layer=0',
      'nan@layer=1,tensor=ffn_norm',
    ];
    const { verdict } = await isolateFaults(context, reference, specs.map(parseFault), [0, 1]);
    const named = [verdict.first, ...(verdict.others ?? [])].map((c) => [c?.layer, c?.stage, c?.tensor]);
    expect(named).toEqual([
      [0, 'q_post_rope', undefined],
      [0, 'k_post_rope', undefined],
      [1, 'k_proj', 'blk.1.attn_k.weight'],
      [1, 'ffn_norm', 'blk.1.ffn_norm.weight'],
      [1, 'moe_router', undefined],
    ]);
    expect(verdict.sentence).toContain('4 more stages are wrong by themselves, next layer 0, k_post_rope');
  });
});

describe('a single mantissa bit of a scale', () => {
  it.each(['tiny-moe-6x16', 'mini-q4_k_m', 'deep-q8_0'])('of %s is seen, whichever of the ten it is', async (name) => {
    const reference = await referenceOf(name, MODELS[name] ?? []);
    const expert = chosenExpert(reference, 0);
    const seen: number[] = [];
    for (let bit = 9; bit >= 0; bit--) {
      const { verdict } = await isolateFaults(context, reference, [{ kind: 'scale-bitflip', layer: 0, expert, bit }]);
      if (verdict.status !== 'match') {
        expect(verdict.first).toMatchObject({ stage: 'moe_expert_out', expert });
        seen.push(bit);
      }
    }
    await reference.model.close();
    expect(seen).toEqual([9, 8, 7, 6, 5, 4, 3, 2, 1, 0]);
  });
});
