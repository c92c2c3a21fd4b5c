import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeBase64, encodeBase64 } from '../../src/trace/base64';
import { readTraces } from '../../src/trace/read-traces';
import { createTrace } from '../../src/trace/trace';
import { decodeTraceJson, encodeTraceJson } from '../../src/trace/trace-json';
import { captureOf } from '../support/captures';
import { anyTrace, damaged, formatErrorOf, plain, toleratesHostile } from './arbitrary';

describe('trace JSON', () => {
  it('keeps everything', () => {
    fc.assert(
      fc.property(anyTrace, (trace) => {
        expect(plain(decodeTraceJson(encodeTraceJson(trace), 'x'))).toEqual(plain(trace));
        const bytes = new TextEncoder().encode(encodeTraceJson(trace));
        expect(readTraces(bytes, 'x.json').traces.map((t) => plain(t))).toEqual([plain(trace)]);
      }),
      { seed: 13 },
    );
  });

  it('keeps which captures are unplaced', () => {
    const trace = createTrace(
      { arm: 'apr', mode: 'free' },
      [captureOf('attn_norm', 2, [1, 3], [1, 2, 3])],
      new Set(['layer-2/attn_norm']),
    );
    expect([...decodeTraceJson(encodeTraceJson(trace), 'x').unplaced]).toEqual(['layer-2/attn_norm']);
  });

  it('is the documented document', () => {
    const trace = createTrace({ arm: 'gpu', mode: 'free', modelName: 'Tiny', tokens: [1] }, [
      captureOf('lm_head', undefined, [1, 3], [1, NaN, -Infinity]),
    ]);
    expect(JSON.parse(encodeTraceJson(trace))).toEqual({
      schema: 'moescope-trace/1',
      provenance: { arm: 'gpu', mode: 'free', modelName: 'Tiny', tokens: [1] },
      taps: [
        {
          layer: null,
          stage: 'lm_head',
          positions: [0],
          shape: [1, 3],
          stats: {
            ...{ count: 3, nan: 1, positiveInfinity: 0, negativeInfinity: 1 },
            ...{ min: 'NaN', max: 'NaN', mean: 'NaN', rms: 'NaN' },
          },
          type: 'f4',
          data: 'AACAPwAAwH8AAID/',
        },
      ],
    });
  });

  const good = encodeTraceJson(createTrace({ arm: 'gpu', mode: 'free' }, [captureOf('moe_router', 1, [2, 1], [1, 2])]));
  const captures = '"layer":1,"stage":"moe_router","positions":[0,1],"shape":[2,1]';

  it.each([
    ['another version', good.replace('trace/1', 'trace/2'), 'moescope-trace/2'],
    ['no schema', '{}', 'nothing'],
    ['no object', '[]', 'a list of 0'],
    ['no JSON', '{', 'JSON'],
    ['a schema without a text', '{"schema":{"toString":1}}', 'an object'],
    ['endless nesting', `{"schema":${'['.repeat(30_000)}${']'.repeat(30_000)}}`, 'a list of 1'],
    ['no arm', good.replace('"arm":"gpu",', ''), 'arm'],
    ['another mode', good.replace('"free"', '"both"'), 'both'],
    ['an unknown stage', good.replace('moe_router', 'moe_rooter'), 'moe_rooter'],
    ['no layer on a layer stage', good.replace('"layer":1', '"layer":null'), 'a layer for stage'],
    ['another shape', good.replace('"shape":[2,1]', '"shape":[2,3]'), '6 elements'],
    ['a huge shape', good.replace('"shape":[2,1]', '"shape":[2,4000000000]'), '8000000000 elements'],
    ['another rank', good.replace('"shape":[2,1]', '"shape":[2]'), '2 axes'],
    ['a negative size', good.replace('"shape":[2,1]', '"shape":[-2,-1]'), 'whole number'],
    ['too few positions', good.replace('[0,1]', '[0]'), '2 positions'],
    ['positions out of order', good.replace('[0,1]', '[1,1]'), 'ascending'],
    ['another type', good.replace('"f4"', '"u4"'), 'f4'],
    ['no base64', good.replace(/"data":"[^"]*"/, '"data":"%%%%"'), 'base64'],
    ['half an element', good.replace(/"data":"[^"]*"/, '"data":"AAAA"'), '3 bytes'],
    ['no data', good.replace(/,"data":"[^"]*"/, ''), 'a string'],
  ])('refuses %s', (_, json, message) => {
    expect(good).toContain(captures);
    const error = formatErrorOf(() => decodeTraceJson(json, 'mine.json'));
    expect(error.message).toContain(message);
    expect(error.detail['place']).toContain('mine.json');
  });

  it('survives damage', () => {
    fc.assert(
      fc.property(damaged(new TextEncoder().encode(good)), (hostile) => {
        toleratesHostile(() => readTraces(hostile, 'x'));
      }),
      { seed: 14, numRuns: 1000 },
    );
  });
});

describe('base64', () => {
  it('round trips any bytes, also beyond one chunk', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(decodeBase64(encodeBase64(bytes))).toEqual(Uint8Array.from(bytes));
      }),
      { seed: 15 },
    );
    const long = Uint8Array.from({ length: 30_001 }, (_, i) => (i * 7) & 255);
    expect(encodeBase64(long)).toBe(Buffer.from(long).toString('base64'));
    expect(decodeBase64(encodeBase64(long))).toEqual(long);
  });

  it('other text is none', () => {
    expect(decodeBase64('é')).toBeUndefined();
  });
});

describe('readTraces', () => {
  it.each([
    ['an empty file', new Uint8Array()],
    ['a GGUF', new TextEncoder().encode('GGUF')],
    ['a lone APRT file', new TextEncoder().encode('APRT12345678')],
  ])('says which kinds it reads when given %s', (_, bytes) => {
    expect(formatErrorOf(() => readTraces(bytes, 'it')).remedy).toContain('APRT');
  });
});
