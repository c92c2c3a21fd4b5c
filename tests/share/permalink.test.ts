import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { without } from '../../src/base/without';
import { SHARE_LIMITS } from '../../src/share/limits';
import { readPermalink, writePermalink, type Permalink } from '../../src/share/permalink';
import { FIRST_VIEW } from '../../src/share/view-state';

const link: Permalink = {
  view: {
    basis: 'isolated',
    unit: 'l2',
    tab: 'routing',
    expert: 41,
    selection: { layer: 6, stage: 'moe_expert_out', position: 2 },
    zoom: { from: 4, to: 20 },
  },
  model: { name: 'Qwen3 30B & more', hash: '8e4b46000000' },
  options: { mode: 'isolated', layers: '0..8' },
  prompt: 'What is 2+2? #&=%',
  summary: 'eJz_-0',
  run: 'k3x9',
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
        view: { ...FIRST_VIEW, basis: 'isolated', unit: 'ratio', selection: link.view.selection },
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

  it('a link of version 2 is upgraded: it had no expert, no cut and no measure of the heatmap', () => {
    expect(readPermalink('#v=2&s=moe_router&l=4&t=2&x=ratio&h=isolated&o-layers=0..4&e=3&p=lines&c=ratio')).toEqual({
      kind: 'link',
      upgradedFrom: 2,
      link: {
        view: {
          ...FIRST_VIEW,
          basis: 'isolated',
          unit: 'ratio',
          selection: { stage: 'moe_router', layer: 4, position: 2 },
        },
        options: { layers: '0..4' },
      },
    });
  });

  it('a link of version 3 is upgraded: a measure for each figure becomes the page’s', () => {
    const view = (text: string) => {
      const reading = readPermalink(`#v=3&s=moe_router&e=3&${text}`);
      return reading.kind === 'link' ? reading.link.view : undefined;
    };
    expect(view('c=cosine&n=free&p=lines')).toMatchObject({ basis: undefined, unit: undefined, expert: 3 });
    expect(view('c=ratio')).toMatchObject({ basis: 'isolated', unit: 'ratio' });
    expect(view('h=isolated')).toMatchObject({ basis: 'isolated', unit: 'l2' });
    expect(view('x=ratio&b=free&z=1-9')).toMatchObject({ basis: 'isolated', unit: 'ratio', zoom: undefined });
  });

  it('a later version is told from a broken one', () => {
    expect(readPermalink('#v=5&s=moe_router')).toMatchObject({
      kind: 'unreadable',
      why: expect.stringContaining('version 5'),
    });
    expect(readPermalink('#v=x')).toMatchObject({ kind: 'unreadable' });
    expect(readPermalink(`#v=4&prompt=${'a'.repeat(9000)}`)).toMatchObject({ kind: 'unreadable' });
  });

  it('what it does not know is left out', () => {
    const reading = readPermalink('#v=4&s=constructor&l=-1&b=nothing&u=x&d=&e=x&z=9-2&y=<b>&r=&m=<script>&tokens=1,x');
    expect(reading).toEqual({ kind: 'link', link: { view: FIRST_VIEW, options: {} } });
  });

  it('drops a prompt that would make it too long for mail and chat', () => {
    const text = writePermalink({ ...link, prompt: 'long '.repeat(4000) });
    expect(text.length).toBeLessThanOrEqual(SHARE_LIMITS.linkChars);
    expect(readPermalink(text)).toMatchObject({ kind: 'link', link: { view: link.view } });
  });

  it('drops the run in it where mail and chat would break the link, and keeps the rest', () => {
    const text = writePermalink({ ...without(link, 'prompt'), summary: 'x'.repeat(9000) });
    expect(readPermalink(text)).toEqual({ kind: 'link', link: without(link, 'prompt', 'summary') });
  });

  it('never fails, whatever stands in the address', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 200 }), (text) => {
        expect(['link', 'none', 'unreadable']).toContain(readPermalink(`#v=${text}`).kind);
        expect(['link', 'none', 'unreadable']).toContain(readPermalink(`#v=4&${text}`).kind);
      }),
    );
  });
});
