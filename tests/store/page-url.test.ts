import { describe, expect, it } from 'vitest';
import { caseOfUrl, sourcesOfUrl } from '../../src/store/page-url';

describe('the case that an address asks for', () => {
  it('lies among the files of the page, wherever that is served', () => {
    expect(caseOfUrl('https://example.org/tools/moescope/?case=one-bit#v=4')).toEqual({
      kind: 'http',
      url: 'https://example.org/tools/moescope/cases/one-bit.svg',
    });
  });

  it.each(['', '?case=', '?case=../sample/x', '?case=https://host/x', '?case=a.b', `?case=${'a'.repeat(61)}`])(
    'is none: %s',
    (search) => {
      expect(caseOfUrl(`http://localhost:4173/${search}`)).toBeUndefined();
    },
  );

  it('is no model', () => {
    expect(sourcesOfUrl('http://localhost:4173/?case=one-bit')).toEqual([]);
  });
});
