import { describe, expect, it } from 'vitest';
import type { Capture } from '../../src/model/engine';
import type { StageId } from '../../src/model/stages';
import { CaptureStore } from '../../src/session/capture-store';

const captured = (stage: StageId, layer: number, values: number): Capture => ({
  stage,
  layer,
  positions: [0],
  shape: [1, values],
  data: new Float32Array(values),
});

describe('capture store', () => {
  it('keeps everything while there is room, bounds counted', () => {
    const store = new CaptureStore(1000);
    store.keep('gpu', captured('attn_norm', 0, 10));
    store.keep('cpu', { ...captured('attn_norm', 0, 10), bound: new Float32Array(10) });
    expect(store.usage()).toEqual({ bytes: 120, budget: 1000, kept: 1, dropped: 0 });
    expect(store.get('cpu', 0, 'attn_norm')?.bound).toHaveLength(10);
    expect(store.get('gpu', 1, 'attn_norm')).toBeUndefined();
  });

  it('gives up bulk before the headline stages, the latest layers first, and both engines together', () => {
    const store = new CaptureStore(400);
    for (const layer of [0, 1]) {
      for (const engine of ['gpu', 'cpu']) {
        store.keep(engine, captured('moe_expert_out', layer, 20));
        store.keep(engine, captured('moe_ffn_out', layer, 20));
      }
    }
    expect(store.usage()).toMatchObject({ bytes: 320, kept: 2, dropped: 2 });
    for (const layer of [0, 1]) {
      expect(store.get('gpu', layer, 'moe_ffn_out')).toBeDefined();
      expect(store.get('gpu', layer, 'moe_expert_out')).toBeUndefined();
      expect(store.droppedBytes(layer, 'moe_expert_out')).toBe(160);
    }
    store.keep('gpu', captured('moe_router_indices', 1, 20));
    store.keep('cpu', captured('moe_router_indices', 1, 20));
    expect(store.get('cpu', 1, 'moe_router_indices')).toBeDefined();
    expect(store.get('cpu', 1, 'moe_ffn_out')).toBeUndefined();
    expect(store.get('cpu', 0, 'moe_ffn_out')).toBeDefined();
    expect(store.usage().bytes).toBeLessThanOrEqual(400);
  });

  it('never holds more than its budget, however large a capture', () => {
    const store = new CaptureStore(100);
    store.keep('gpu', captured('moe_ffn_out', 0, 1000));
    expect(store.usage()).toEqual({ bytes: 0, budget: 100, kept: 0, dropped: 1 });
    expect(store.droppedBytes(0, 'moe_ffn_out')).toBe(4000);
    store.clear();
    expect(store.droppedBytes(0, 'moe_ffn_out')).toBeUndefined();
  });
});
