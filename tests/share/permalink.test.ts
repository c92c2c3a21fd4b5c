import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SHARE_LIMITS } from '../../src/share/limits';
import { readPermalink, writePermalink, type Permalink } from '../../src/share/permalink';
import { FIRST_VIEW } from '../../src/share/view-state';

const link: Permalink = {
  view: {
    metric: 'ratio',
    heatMode: 'isolated',
    tableMetric: 'ratio',
    selection: { layer: 6, stage: 'moe_expert_out', position: 2 },
  },
  model: { name: 'Qwen3 30B & more', hash: '8e4b46000000' },
  options: { mode: 'isolated', layers: '0..8' },
  prompt: 'What is 2+2? #&=%',
};

describe('permalink', () => {
  it('comes back as it was', () => {
    expect(readPermalink(writePermalink(link))).toEqual({ kind: 'link', link });
  });

  it('says nothing where there is nothing to say', () => {
    expect(writePermalink({ view: FIRST_VIEW, options: {} })).toBe('');
    expect(readPermalink('')).toEqual({ kind: 'none' });
    expect(readPermalink('#trace')).toEqual({ kind: 'none' });
  });

  it('a link of version 1 is upgraded', () => {
    const reading = readPermalink('#v=1&at=6.moe_expert_out.2&metric=ratio&heat=isolated&header=8e4b46&model=Tiny');
    expect(reading).toEqual({
      kind: 'link',
      upgradedFrom: 1,
      link: {
        view: { ...link.view },
        model: { hash: '8e4b46', name: 'Tiny' },
        options: {},
      },
    });
    const whole = readPermalink('#v=1&at=-.lm_head.');
    expect(whole.kind === 'link' ? whole.link.view.selection : undefined).toEqual({
      stage: 'lm_head',
      layer: undefined,
      position: undefined,
    });
  });

  it('a later version is told from a broken one', () => {
    expect(readPermalink('#v=3&s=moe_router')).toMatchObject({
      kind: 'unreadable',
      why: expect.stringContaining('version 3'),
    });
    expect(readPermalink('#v=x')).toMatchObject({ kind: 'unreadable' });
    expect(readPermalink(`#v=2&prompt=${'a'.repeat(9000)}`)).toMatchObject({ kind: 'unreadable' });
  });

  it('what it does not know is left out', () => {
    const reading = readPermalink('#v=2&s=constructor&l=-1&x=nothing&m=<script>&tokens=1,x');
    expect(reading).toEqual({ kind: 'link', link: { view: FIRST_VIEW, options: {} } });
  });

  it('drops a prompt that would make it too long for mail and chat', () => {
    const text = writePermalink({ ...link, prompt: 'long '.repeat(4000) });
    expect(text.length).toBeLessThanOrEqual(SHARE_LIMITS.linkChars);
    expect(readPermalink(text)).toMatchObject({ kind: 'link', link: { view: link.view } });
  });

  it('never fails, whatever stands in the address', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 200 }), (text) => {
        expect(['link', 'none', 'unreadable']).toContain(readPermalink(`#v=${text}`).kind);
        expect(['link', 'none', 'unreadable']).toContain(readPermalink(`#v=2&${text}`).kind);
      }),
    );
  });
});
