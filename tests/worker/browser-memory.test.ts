import { describe, expect, it } from 'vitest';
import { browserMemory } from '../../src/worker/browser-memory';

describe('the memory of a tab', () => {
  it('is what the browser says; at the most that it says, the most that it gives; else unknown', () => {
    expect(browserMemory({ deviceMemory: 0.5 })).toBe(2 ** 29);
    expect(browserMemory({ deviceMemory: 4 })).toBe(2 ** 32);
    expect(browserMemory({ deviceMemory: 8 })).toBe(2 ** 34);
    expect(browserMemory({ deviceMemory: 32 })).toBe(2 ** 34);
    for (const says of [{}, { deviceMemory: 0 }, { deviceMemory: NaN }, { deviceMemory: '8' }])
      expect(browserMemory(says)).toBeUndefined();
  });
});
