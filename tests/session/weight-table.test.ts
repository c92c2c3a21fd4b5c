import { describe, expect, it } from 'vitest';
import { nodeSource } from '../../src/gguf/node-source';
import { openModel } from '../../src/gguf/open-model';
import { weightTable } from '../../src/session/weight-table';
import { rangesText } from '../../src/base/format';
import { SAMPLE_PATH } from '../support/golden';

describe('the table of a file’s tensors', () => {
  it('has every tensor once, and shows where a type changes between layers', async () => {
    const model = await openModel([await nodeSource(SAMPLE_PATH)]);
    const lines = weightTable(model);
    expect(lines.reduce((n, line) => n + line.count, 0)).toBe(model.tensors.size);
    const total = [...model.tensors.values()].reduce((n, { bytes }) => n + bytes, 0);
    expect(lines.reduce((n, line) => n + line.bytes, 0)).toBe(total);
    const down = lines.find((line) => line.name === 'blk.*.ffn_down_exps.weight');
    expect(down).toMatchObject({ count: 6, dims: [256, 256, 16] });
    // As the Q4_K_M recipe does it: some layers in a finer type.
    expect(down?.types.map((t) => t.type).sort()).toEqual(['Q4_K', 'Q6_K']);
    for (const { type, layers } of down?.types ?? []) {
      for (const l of layers) expect(model.tensors.get(`blk.${l}.ffn_down_exps.weight`)?.type).toBe(type);
    }
    expect(lines.find((line) => line.name === 'output_norm.weight')).toMatchObject({
      count: 1,
      types: [{ type: 'F32', layers: [] }],
    });
    await model.close();
  });

  it('writes layers as ranges', () => {
    expect(rangesText([0, 1, 2, 5, 7, 8])).toBe('0–2, 5, 7–8');
    expect(rangesText([3])).toBe('3');
    expect(rangesText([])).toBe('');
  });
});
