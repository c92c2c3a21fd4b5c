import { describe, expect, it } from 'vitest';
import { TracerError } from '../../src/base/errors';
import { FAULTS, faultStages, type Fault } from '../../src/model/faults';
import { checkFault } from '../../src/model/check-fault';
import { faultText, parseFault } from '../../src/model/parse-fault';
import { stageOrder } from '../../src/model/stages';
import { generateReport } from '../support/reports';

/** What `parseFault` says of a bad specification. */
function refusal(text: string): string {
  try {
    parseFault(text);
  } catch (error) {
    if (error instanceof TracerError && error.code === 'fault-spec') return `${error.message} ${error.remedy}`;
    throw error;
  }
  return 'accepted';
}

describe('a fault specification', () => {
  it.each(FAULTS.map((f) => f.kind))('of %s is read, and written as it is read', (kind) => {
    const { parameters, tensors } = FAULTS.find((f) => f.kind === kind) ?? { parameters: [], tensors: [] };
    const given: Record<string, number | string> = { expert: 3, tensor: tensors.at(-1) ?? '', position: 5, bit: 2 };
    if (!(tensors.at(-1) ?? '').endsWith('exps')) delete given['expert'];
    const fields = parameters.flatMap((name) => (given[name] === undefined ? [] : [`${name}=${given[name]}`]));
    const text = `${kind}@${['layer=2', ...fields].join(',')}`;
    expect(faultText(parseFault(text))).toBe(text);
    expect(parseFault(text)).toMatchObject({ kind, layer: 2 });
  });

  it('ignores case, blanks and the order of the fields, and takes a whole GGUF name', () => {
    const fault: Fault = { kind: 'nan', layer: 12, expert: 41, tensor: 'ffn_down_exps' };
    expect(parseFault(' NaN @ tensor=blk.12.ffn_down_exps.weight, Expert=41, LAYER=12 ')).toEqual(fault);
  });

  it('is refused with the valid kinds', () => {
    expect(refusal('tyop@layer=1')).toContain('there is no fault "tyop"');
    expect(refusal('tyop@layer=1')).toContain('qtype-blind, wrong-expert, swap-gate-up, silu-of-up, no-renorm');
    expect(refusal('')).toContain('no fault');
  });

  it.each([
    ['nan', 'the layer is missing|is not understood'],
    ['nan@', 'there is no fault'],
    ['nan@expert=1', 'the layer is missing'],
    ['nan@layer=', 'is not understood'],
    ['nan@layer=-1', 'layer is no whole number'],
    ['nan@layer=1.5', 'layer is no whole number'],
    ['nan@layer=1,layer=2', 'is not understood'],
    ['nan@layer=1,,', 'is not understood'],
    ['nan@layer=1,colour=red', 'nan takes layer, expert, tensor, not colour'],
    ['nan@layer=1,position=2', 'nan takes layer, expert, tensor, not position'],
    ['eps@layer=1,expert=2', 'eps takes layer, not expert'],
    ['nan@layer=1,tensor=output', 'nan strikes attn_q'],
    ['nan@layer=1,tensor=blk.2.attn_q.weight', 'is not of layer 1'],
    ['nan@layer=1,tensor=attn_q,expert=2', 'attn_q has no experts'],
    ['skip-expert@layer=1,tensor=attn_q', 'skip-expert strikes ffn_gate_exps'],
    ['scale-bitflip@layer=1,bit=10', 'mantissa bits 0 to 9'],
  ])('%s is refused and says why', (text, why) => {
    expect(refusal(text)).toMatch(new RegExp(why));
  });
});

describe('a fault', () => {
  const { hparams } = generateReport({ kind: 'clean', nLayer: 4, nExpert: 8 }).model;
  const check = (text: string, type = 'Q4_K'): (() => void) => {
    return () => {
      checkFault(parseFault(text), { hparams, nTokens: 3, typeOf: () => type });
    };
  };

  it('must lie inside the model and the prompt', () => {
    expect(check('stale-row@layer=3,expert=7,position=2')).not.toThrow();
    expect(check('stale-row@layer=4')).toThrow('there are 4 layers');
    expect(check('stale-row@layer=3,expert=8')).toThrow('there are 8 experts');
    expect(check('stale-row@layer=3,position=3')).toThrow('there are 3 positions');
  });

  it('must be one that the type can hold', () => {
    expect(check('nan@layer=0', 'MXFP4')).toThrow('holds no NaN');
    expect(check('inf@layer=0', 'MXFP4')).not.toThrow();
    expect(check('scale-bitflip@layer=0', 'F32')).toThrow('no block scale');
  });

  it.each(FAULTS.map((f) => f.kind))('%s names its stages in forward order', (kind) => {
    const orders = faultStages({ kind, layer: 0 }).map(stageOrder);
    expect(orders.length).toBeGreaterThan(0);
    expect(orders).toEqual([...orders].sort((x, y) => x - y));
  });

  it('shows where its tensor is read', () => {
    expect(faultStages({ kind: 'nan', layer: 0, tensor: 'attn_k' })).toEqual(['k_proj']);
    expect(faultStages({ kind: 'nan', layer: 0 })).toEqual(['moe_expert_out']);
    const three = ['moe_expert_gate', 'moe_expert_up', 'moe_expert_out'];
    expect(faultStages({ kind: 'skip-expert', layer: 0 })).toEqual(three);
  });
});
