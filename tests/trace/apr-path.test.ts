import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { stageSpec } from '../../src/model/stages';
import { ACTIVE_STAGES } from '../support/stages';
import { aprPath, engineFolder, engineOfFolder, parseAprPath } from '../../src/trace/apr-path';

describe('paths of a saved tree', () => {
  it('are the documented ones', () => {
    expect(aprPath('gpu', 'moe_router', 12)).toBe('gpu/layer-12/moe_router.bin');
    expect(aprPath('cpu', 'lm_head', undefined)).toBe('cpu/lm_head.bin');
    expect(aprPath('cpu', 'embedding', undefined)).toBe('cpu/layer-0/embedding.bin');
    expect(aprPath(engineFolder({ arm: 'gpu', mode: 'isolated' }), 'attn_out', 0)).toBe(
      'gpu-isolated/layer-0/attn_out.bin',
    );
  });

  it('parse back, with any folders above', () => {
    const folders = fc.constantFrom('', 'gpu', 'gpu-isolated', 'some dump/of mine/cpu', 'layer-3/gpu');
    fc.assert(
      fc.property(fc.constantFrom(...ACTIVE_STAGES), fc.nat(999), folders, (stage, n, folder) => {
        const layer = stageSpec(stage).scope === 'layer' ? n : undefined;
        expect(parseAprPath(aprPath(folder, stage, layer))).toEqual({ folder, stage, layer });
      }),
      { seed: 3 },
    );
  });

  it('understands aliases and names of dense models', () => {
    expect(parseAprPath('layer-1/layer_output.bin')).toEqual({ folder: '', stage: 'post_ffn_residual', layer: 1 });
    expect(parseAprPath('x/layer-1/ffn_gate.bin')).toEqual({ folder: 'x', stage: 'ffn_gate', layer: 1 });
  });

  it.each([
    'gpu/layer-1/moe_router.txt',
    'gpu/layer-1/unheard_of.bin',
    'gpu/moe_router.bin',
    'gpu/layer-1/lm_head.bin',
    'gpu/layer-1/embedding.bin',
    'gpu/layer-01/moe_router.bin',
    'gpu/layer--1/moe_router.bin',
    'gpu/layer-99999999999/moe_router.bin',
    'moe_router',
    '',
  ])('%s is none', (path) => {
    expect(parseAprPath(path)).toBeUndefined();
  });

  it('arm folders parse back', () => {
    for (const engine of ['gpu', 'cpu-ggml']) {
      for (const mode of ['free', 'isolated'] as const) {
        expect(engineOfFolder(`a/b/${engineFolder({ arm: engine, mode })}`)).toEqual({ arm: engine, mode });
      }
    }
    expect(engineOfFolder('')).toEqual({ arm: 'trace', mode: 'free' });
  });

  it("an arm's name cannot lead out of the folder", () => {
    for (const engine of ['../../etc', '..', '/abs', 'a/b', 'c:\\d', '']) {
      expect(engineFolder({ arm: engine, mode: 'free' })).toMatch(/^[\w-][\w.-]*$/);
    }
  });
});
