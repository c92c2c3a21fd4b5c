import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { LiveOptions } from '../../src/model/live';
import { goldenModelPath, loadGolden, relativeRms } from '../support/golden';
import { liveOn, type LiveRun } from './llama-cpp-support';
import { locationKey } from '../../src/model/location';

/** Another build of llama.cpp with the same arithmetic agrees to f32's rounding: `tests/golden/README.md`. */
const SAME_ARITHMETIC = 2e-6;
/** Keys, values, queries and probabilities rounded to f16, 2^-11 each, in two layers. */
const F16_ATTENTION = 2e-3;
/** Plain attention over f32 keys and values, as the golden values were made. */
const PLAIN: LiveOptions = { flashAttention: 'off', kv: 'f32' };

/** Another value of a float of a GGUF's metadata. */
function putFloat(bytes: Uint8Array, key: string, value: number): void {
  const name = new TextEncoder().encode(key);
  const at = Buffer.from(bytes.buffer).indexOf(name);
  // Behind the key stands its type.
  new DataView(bytes.buffer).setFloat32(at + name.length + 4, value, true);
}

const open: LiveRun[] = [];
async function live(...args: Parameters<typeof liveOn>): Promise<LiveRun> {
  const run = await liveOn(...args);
  open.push(run);
  return run;
}
afterAll(async () => {
  for (const { engine } of open) await engine.dispose();
});

describe('a real llama.cpp on its CPU back end', () => {
  it.each([
    ['mini-f32', 'llamacpp-p12'],
    ['mini-f32', 'llamacpp-p1'],
    ['mini-q4_k_m', 'llamacpp-p12'],
    ['mini-q4_k_m', 'llamacpp-p1'],
  ])("captures every stage of %s, %s as llama.cpp's own values", async (model, prompt) => {
    const golden = loadGolden(model, prompt);
    const { engine, run } = await live(model, PLAIN);
    const { captures, unmeasured } = await run([...golden.tokens]);
    expect([...unmeasured]).toEqual([]);
    let compared = 0;
    for (const { stage, layer } of golden.held) {
      const captured = captures.get(locationKey(layer, stage));
      const wanted = golden.stage(stage, layer);
      expect(captured?.data.length, locationKey(layer, stage)).toBe(wanted?.data.length);
      if (captured === undefined || wanted === undefined) continue;
      expect(relativeRms(captured.data, wanted.data), locationKey(layer, stage)).toBeLessThan(SAME_ARITHMETIC);
      compared++;
    }
    expect(compared).toBeGreaterThan(40);
    const facts = engine.facts();
    expect(facts).toMatchObject({ logitRowsChanged: 0, logitRows: golden.tokens.length, graphs: 1, kv: 'f32' });
    expect(facts?.parameterNotes).toEqual([]);
    expect(facts?.devices.join()).toContain('CPU');
    expect(facts?.library).not.toMatch(/^[/\\]/);
  });

  it('reads another copy of the file where it is told to, and says so', async () => {
    const { engine, run } = await live('mini-f32', { ...PLAIN, model: goldenModelPath('mini-f16') });
    const golden = loadGolden('mini-f32', 'p12');
    const { captures } = await run([...golden.tokens]);
    expect(engine.facts()?.file).toBe('model.gguf');
    const rms = relativeRms(captures.get('lm_head')?.data ?? [], golden.stage('lm_head', undefined)?.data ?? []);
    // Half precision's weights, not the other file's.
    expect(rms).toBeGreaterThan(SAME_ARITHMETIC);
    expect(rms).toBeLessThan(0.1);
  });

  it("names graph parameters that are not the file's, whatever they change", async () => {
    const bytes = new Uint8Array(readFileSync(goldenModelPath('mini-f32')));
    putFloat(bytes, 'qwen3moe.attention.layer_norm_rms_epsilon', 1.0000001e-6);
    putFloat(bytes, 'qwen3moe.rope.freq_base', 999_999);
    const folder = mkdtempSync(join(tmpdir(), 'moescope-parameters-'));
    try {
      const other = join(folder, 'other.gguf');
      writeFileSync(other, bytes);
      const { engine, run } = await live('mini-f32', { ...PLAIN, model: other });
      await run([...loadGolden('mini-f32', 'p12').tokens]);
      const notes = engine.facts()?.parameterNotes ?? [];
      expect(notes.map((note) => note.replace(/ is .*/, ''))).toEqual([
        "llama.cpp's RMSNorm eps",
        "llama.cpp's RoPE base",
      ]);
      expect(notes.join()).toContain('999999 in');
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('says what fused attention keeps to itself, and runs it as it is by default', async () => {
    const golden = loadGolden('mini-f32', 'p12');
    const { engine, run } = await live('mini-f32');
    const { captures, unmeasured } = await run([...golden.tokens]);
    expect([...unmeasured].sort()).toEqual(
      [0, 1].flatMap((l) => [`layer-${l}/attn_scores`, `layer-${l}/attn_softmax`]),
    );
    for (const { stage, layer } of golden.held) {
      const key = locationKey(layer, stage);
      const wanted = golden.stage(stage, layer);
      if (unmeasured.has(key) || wanted === undefined) continue;
      expect(relativeRms(captures.get(key)?.data ?? [], wanted.data), key).toBeLessThan(F16_ATTENTION);
    }
    expect(engine.facts()).toMatchObject({ flashAttention: 'auto (fused)', kv: 'f16', logitRowsChanged: 0 });
  });

  it('joins the micro-batches of a prompt: the same bits as of one', async () => {
    const tokens = [...loadGolden('deep-q8_0', 'p12').tokens];
    const whole = await (await live('deep-q8_0', PLAIN)).run(tokens);
    const parted = await live('deep-q8_0', { ...PLAIN, ubatch: 5 });
    const { captures, unmeasured } = await parted.run(tokens);
    // The first micro-batch has no scores of keys that come later.
    expect([...unmeasured]).toEqual([0, 1, 2, 3].map((l) => `layer-${l}/attn_scores`));
    expect(parted.engine.facts()?.graphs).toBe(3);
    expect(captures.size).toBe(whole.captures.size - unmeasured.size);
    for (const [key, captured] of captures) {
      expect(captured.shape, key).toEqual(whole.captures.get(key)?.shape);
      expect(captured.data, key).toEqual(whole.captures.get(key)?.data);
    }
  });

  it('goes on behind a prompt, and back', async () => {
    const tokens = [...loadGolden('tied-q4_k_m', 'p12').tokens];
    const { engine, run } = await live('tied-q4_k_m', PLAIN);
    const whole = await run(tokens);
    const first = await run(tokens.slice(0, 11));
    const next = await run(tokens.slice(11), 11);
    expect(engine.facts()).toMatchObject({ logitRows: 1, logitRowsChanged: 0 });
    const again = await run(tokens.slice(11), 11);
    for (const [key, captured] of next.captures) {
      expect(captured.positions, key).toEqual([11]);
      expect(again.captures.get(key)?.data, key).toEqual(captured.data);
    }
    expect(first.captures.get('layer-1/attn_norm')?.positions).toEqual(tokens.slice(0, 11).map((_, i) => i));
    const head = whole.captures.get('lm_head');
    const width = head?.shape[1] ?? 0;
    // Another kernel computes one token than many: not the same bits.
    expect(relativeRms(next.captures.get('lm_head')?.data ?? [], head?.data.subarray(11 * width) ?? [])).toBeLessThan(
      1e-5,
    );
  });

  it('ends its process when it is cancelled, and starts another', async () => {
    const tokens = [...loadGolden('mini-f32', 'p1').tokens];
    const { engine, run } = await live('mini-f32', PLAIN);
    const controller = new AbortController();
    controller.abort();
    const ids = Uint32Array.from(tokens);
    await expect(engine.begin(ids, 0, { capture: new Map(), signal: controller.signal })).rejects.toMatchObject({
      code: 'run-cancelled',
    });
    const late = new AbortController();
    const begun = engine.begin(ids, 0, { capture: new Map(), signal: late.signal });
    late.abort();
    await expect(begun).rejects.toMatchObject({ code: 'run-cancelled' });
    const { captures } = await run(tokens);
    expect(captures.get('lm_head')?.data.length).toBe(512);
  });

  it('tells a missing device and a foreign library apart, with what to do', async () => {
    const tokens = Uint32Array.from([1]);
    const vulkan = await live('mini-f32', {}, 'llama.cpp:cpu', { backend: 'vulkan' });
    await expect(vulkan.engine.begin(tokens, 0, { capture: new Map() })).rejects.toMatchObject({
      code: 'engine-missing',
      detail: { backend: 'vulkan' },
    });
    const foreign = await live('mini-f32', {}, 'llama.cpp:cpu', { installed: { library: process.execPath } });
    await expect(foreign.engine.begin(tokens, 0, { capture: new Map() })).rejects.toMatchObject({
      code: 'engine-missing',
    });
    const noModel = await live('mini-f32', {}, 'llama.cpp:cpu', { model: '/nowhere/model.gguf' });
    await expect(noModel.engine.begin(tokens, 0, { capture: new Map() })).rejects.toMatchObject({
      code: 'engine-failed',
    });
    // The real model still runs in the same test process.
    expect((await (await live('mini-f32')).run([1])).captures.size).toBeGreaterThan(40);
  });
});
