import { describe, expect, it } from 'vitest';
import { LINK_OPTIONS } from '../../src/share/permalink';
import { optionsFromLink, optionsToLink } from '../../src/store/link-options';
import { FIRST_STATE, type RunOptions } from '../../src/store/state';

describe('run options in a link', () => {
  const changed: RunOptions = {
    engines: ['cpu-ggml', 'cpu'],
    mode: 'isolated',
    routing: 'reference',
    inject: ['nan@layer=1', 'bitflip@layer=2'],
    stages: 'moe_router',
    layers: '0..2',
    positions: 'last',
    decode: '3',
    thorough: true,
  };

  it('are all of them, and come back', () => {
    const said = optionsToLink(changed);
    expect(Object.keys(said).toSorted()).toEqual(LINK_OPTIONS.toSorted());
    expect(optionsFromLink(said)).toEqual(changed);
  });

  it('are none where nothing was changed, and none that this page does not know', () => {
    expect(optionsToLink(FIRST_STATE.options)).toEqual({});
    expect(optionsFromLink({ thorough: 'perhaps', mode: 'sideways', arms: 'abacus' })).toEqual({});
  });
});
