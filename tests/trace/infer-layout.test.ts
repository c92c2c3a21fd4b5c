import { describe, expect, it } from 'vitest';
import { inferLayout } from '../../src/trace/infer-layout';
import { filesToTraces, tracesToFiles } from '../../src/trace/trace-files';
import { createTrace, type Trace } from '../../src/trace/trace';
import { captureOf } from '../support/captures';

/** The trace as a foreign program would have dumped it: counts only. */
function foreign(trace: Trace): Trace {
  const files = new Map([...tracesToFiles([trace], 'aprt')].filter(([path]) => path !== 'trace.json'));
  const [read] = filesToTraces(files, 'x').traces;
  if (read === undefined) throw new Error('nothing read');
  return read;
}

const zeros = (n: number): readonly number[] => Array.from({ length: n }, () => 0);
const SIZED = [
  captureOf('attn_norm', 0, [3, 4], zeros(12)),
  captureOf('attn_scores', 0, [3, 2, 3], zeros(18)),
  captureOf('moe_router_indices', 0, [3, 2], [0, 1, 1, 2, 3, 0]),
  captureOf('moe_expert_out', 0, [3, 2, 4], zeros(24)),
  captureOf('lm_head', undefined, [3, 5], zeros(15)),
];

describe('layout of a dump that states only counts', () => {
  it('follows from the chosen experts', () => {
    const dump = foreign(createTrace({ arm: 'gpu', mode: 'free' }, SIZED));
    expect(dump.unplaced.size).toBe(5);
    const placed = inferLayout(dump);
    expect(placed.unplaced.size).toBe(0);
    for (const captured of SIZED) {
      const found = [...placed.captures.values()].find((t) => t.stage === captured.stage);
      expect(found, captured.stage).toMatchObject({ shape: captured.shape, positions: [0, 1, 2] });
    }
  });

  it('leaves what does not fit, and everything where there are no experts', () => {
    const last = captureOf('lm_head', undefined, [1, 5], zeros(5), { positions: [2] });
    const mixed = inferLayout(foreign(createTrace({ arm: 'gpu', mode: 'free' }, [...SIZED.slice(0, 4), last])));
    expect([...mixed.unplaced]).toEqual(['lm_head']);
    const bare = foreign(createTrace({ arm: 'gpu', mode: 'free' }, SIZED.slice(0, 1)));
    expect(inferLayout(bare)).toBe(bare);
  });
});
