import { describe, expect, it } from 'vitest';
import { TracerError } from '../../src/base/errors';
import { checkScores, longestPrompt, parseRange, parseStages } from '../../src/model/plan';
import { COMPUTED_STAGES, findStage, STAGES } from '../../src/model/stages';
import { ACTIVE_STAGES } from '../support/stages';

const failure = (f: () => unknown) => {
  try {
    f();
  } catch (error) {
    return error instanceof TracerError ? error : undefined;
  }
  return undefined;
};

describe('the stage table', () => {
  it.each(STAGES.map((s) => [s.id, s] as const))('%s parses by id, title and alias, in any case', (id, spec) => {
    for (const name of [id, spec.title, ...spec.aliases]) {
      expect(findStage(name)).toBe(id);
      expect(findStage(` ${name.toUpperCase()} `)).toBe(id);
    }
  });

  it('names every input of a stage by a stage before it, or layer_input', () => {
    for (const [i, spec] of STAGES.entries()) {
      for (const input of spec.inputs) {
        const at = STAGES.findIndex((s) => s.id === input);
        expect(input === 'layer_input' || (at >= 0 && at < i), `${spec.id} reads ${input}`).toBe(true);
      }
    }
  });
});

describe('parseStages', () => {
  it('reads all, lists and aliases, in forward order, once each', () => {
    expect(parseStages('ALL')).toEqual(COMPUTED_STAGES);
    expect(parseStages('ALL', ACTIVE_STAGES)).toEqual(ACTIVE_STAGES);
    expect(parseStages('layer_output, MoeRouter,moe_router, ffn_norm')).toEqual([
      'ffn_norm',
      'moe_router',
      'post_ffn_residual',
    ]);
    expect(parseStages('qkv_bias')).toEqual(['qkv_bias']);
  });

  it.each(['moe_routr', '', ' , '])('refuses "%s" and lists the valid names', (text) => {
    const error = failure(() => parseStages(text));
    expect(error?.code).toBe('plan-stage');
    for (const spec of STAGES) expect(error?.remedy).toContain(spec.id);
  });
});

describe('parseRange', () => {
  it('reads all, N, A..B and last; the end is excluded and may lie beyond', () => {
    expect(parseRange('all', 3, 'layers')).toEqual([0, 1, 2]);
    expect(parseRange('1..2', 3, 'layers')).toEqual([1]);
    expect(parseRange('1..99', 3, 'layers')).toEqual([1, 2]);
    expect(parseRange('2', 3, 'positions')).toEqual([2]);
    expect(parseRange('last', 3, 'positions')).toEqual([2]);
  });

  it.each([
    ['3', 'layers'],
    ['2..2', 'layers'],
    ['2..1', 'layers'],
    ['-1', 'layers'],
    ['last', 'layers'],
    ['a..b', 'positions'],
    ['1.5', 'positions'],
    ['', 'positions'],
  ] as const)('refuses "%s" for %s', (text, what) => {
    expect(failure(() => parseRange(text, 3, what))?.code).toBe('plan-range');
  });
});

describe('checkScores', () => {
  const check = (stages: string, positions: string, nTokens: number) =>
    failure(() => {
      checkScores(
        { stages: parseStages(stages), layers: [0], positions: parseRange(positions, nTokens, 'positions') },
        8,
        nTokens,
      );
    });

  it('refuses scores that fit into no array, and says what would fit', () => {
    const error = check('all', 'all', longestPrompt(8) + 1);
    expect(error?.code).toBe('prompt-length');
    expect(error?.remedy).toContain('at most 8192 tokens');
  });

  it.each([
    ['all', 'all', longestPrompt(8)],
    ['all', 'last', 9000],
    ['moe_router', 'all', 9000],
  ])('lets %s of %s positions of %d tokens run', (stages, positions, nTokens) => {
    expect(check(stages, positions, nTokens)).toBeUndefined();
  });
});
