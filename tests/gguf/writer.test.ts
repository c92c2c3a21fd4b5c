import { describe, expect, it } from 'vitest';
import { ggufBytes, layoutGguf, writeGguf, type GgufToWrite } from '../../src/gguf/writer';
import { parseBytes } from '../support/gguf-header';

const file: GgufToWrite = {
  metadata: [['general.architecture', { type: 'string', value: 'qwen3moe' }]],
  tensors: [
    { name: 'a', dims: [3], type: 'F32', chunks: () => [Uint8Array.of(1, 2, 3, 4), new Uint8Array(8).fill(5)] },
    { name: 'hole', dims: [256, 3], type: 'Q6_K' },
    { name: 'b', dims: [32], type: 'Q4_0', chunks: () => [new Uint8Array(18).fill(9)] },
  ],
};

describe('writeGguf', () => {
  it('streams what ggufBytes holds, in ascending order, skipping holes', async () => {
    const whole = ggufBytes(file);
    const streamed = new Uint8Array(whole.length);
    let end = 0;
    const layout = await writeGguf(file, (bytes, offset) => {
      expect(offset).toBeGreaterThanOrEqual(end);
      end = offset + bytes.length;
      streamed.set(bytes, offset);
    });
    expect(Buffer.compare(streamed, whole)).toBe(0);
    expect(layout.bytes).toBe(whole.length);
    expect(layout.offsets.map((o) => o % 32)).toEqual([0, 0, 0]);
    const { tensors } = await parseBytes(whole);
    expect(tensors.map((t) => [t.name, t.bytes])).toEqual([
      ['a', 12],
      ['hole', 630],
      ['b', 18],
    ]);
  });

  it('makes a tensor only when its turn comes', async () => {
    const events: string[] = [];
    const logged = (name: string) => ({
      name,
      dims: [2],
      type: 'F32' as const,
      *chunks() {
        events.push(`make ${name} 0`);
        yield new Uint8Array(4);
        events.push(`make ${name} 1`);
        yield new Uint8Array(4);
      },
    });
    await writeGguf({ metadata: [], tensors: [logged('x'), logged('y')] }, async (_bytes, offset) => {
      await Promise.resolve();
      if (offset > 0) events.push('write');
    });
    expect(events).toEqual(['make x 0', 'write', 'make x 1', 'write', 'make y 0', 'write', 'make y 1', 'write']);
  });

  it('refuses data of another size than the shape asks for', () => {
    const short: GgufToWrite = {
      metadata: [],
      tensors: [{ name: 't', dims: [8], type: 'F32', chunks: () => [new Uint8Array(31)] }],
    };
    expect(() => ggufBytes(short)).toThrow('tensor t has 31 bytes of data; its shape asks for 32');
  });

  it('lays files of many GB out exactly', () => {
    const big = layoutGguf({
      metadata: [],
      tensors: ['x', 'y', 'z'].map((name) => ({ name, dims: [2 ** 31, 5], type: 'F32' })),
    });
    expect(big.offsets.map((o) => o - big.header.length)).toEqual([0, 5 * 2 ** 33, 10 * 2 ** 33]);
    expect(big.bytes).toBe(big.header.length + 15 * 2 ** 33);
  });
});
