import { describe, expect, it } from 'vitest';
import { ProgressMeter } from '../../src/session/progress';
import type { Progress } from '../../src/session/events';

/** A meter on a clock that the test sets, and what it told last. */
function meterAt(start: number): {
  readonly meter: ProgressMeter;
  readonly tick: (ms: number) => void;
  readonly last: () => Progress | undefined;
} {
  let time = start;
  let told: Progress | undefined;
  const meter = new ProgressMeter(
    (progress) => (told = progress),
    () => time,
  );
  return { meter, tick: (ms) => void (time += ms), last: () => told };
}

describe('the rate', () => {
  it('is that of the last second or two, not since the process began, and is not told before there is one', () => {
    const { meter, tick, last } = meterAt(60_000);
    meter.update('embed', 0, 1);
    meter.hooks.onRead?.('token_embd.weight', 800);
    tick(200);
    meter.update('layers', 0, 6);
    expect(last()?.rate).toBe(0);
    // Kernels are compiled for three seconds, then the file is read at 10 MB/s.
    tick(3000);
    for (let i = 0; i < 30; i++) {
      meter.hooks.onRead?.('blk.0.attn_q.weight', 1_000_000);
      tick(100);
    }
    meter.update('layers', 1, 6);
    expect(last()?.rate).toBeGreaterThan(9e6);
    expect(last()?.rate).toBeLessThan(11e6);
    tick(2500);
    meter.update('layers', 2, 6);
    tick(100);
    meter.update('layers', 3, 6);
    expect(last()?.rate).toBeLessThan(5e6);
  });
});

describe('the time left', () => {
  it('goes by the layers done since the first that was told', () => {
    const { meter, tick, last } = meterAt(0);
    // Generation tells its first layer when that is done: nothing is known of its time.
    meter.update('layers', 1, 6);
    expect(last()).not.toHaveProperty('secondsLeft');
    tick(2000);
    meter.update('layers', 2, 6);
    expect(last()?.secondsLeft).toBeCloseTo(8, 9);
  });
});
