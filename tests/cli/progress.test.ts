import { describe, expect, test } from 'vitest';
import { plainText } from '../../src/base/foreign-text';
import { progressLine, progressView } from '../../src/cli/terminal/progress';
import type { Progress, SessionEvent } from '../../src/session/events';
import { terminalDouble } from './terminal-double';

const PROGRESS: Progress = {
  phase: 'layers',
  done: 12,
  total: 48,
  bytes: 1_234_000_000,
  rate: 310_000_000,
  secondsLeft: 34.6,
  tensor: 'blk.12.ffn_down_exps.weight',
};

function event(changes: Partial<Progress>): SessionEvent {
  return { type: 'progress', progress: { ...PROGRESS, ...changes } };
}

describe('progressLine', () => {
  test('shows phase, bar, bytes, rate, time left and tensor', () => {
    expect(plainText(progressLine(PROGRESS, 200))).toBe(
      'Layers     [#####...............] 12/48  1.23 GB  310 MB/s  35 s left  blk.12.ffn_down_exps.weight',
    );
  });

  test('leaves out what is not known', () => {
    const early: Progress = { phase: 'prepare', done: 0, total: 1, bytes: 0, rate: 0 };
    expect(plainText(progressLine(early, 200))).toBe('Preparing  [....................] 0/1');
  });

  test('is narrower than the terminal', () => {
    expect(plainText(progressLine(PROGRESS, 40))).toHaveLength(39);
  });
});

describe('progressView', () => {
  test('paints over one line on a terminal and takes it away', () => {
    const terminal = terminalDouble(true);
    let time = 0;
    const view = progressView(terminal, false, () => time);
    view.show(event({ done: 1 }));
    time = 1000;
    view.show(event({ done: 2 }));
    view.clear();
    expect(terminal.written.err).not.toContain('\n');
    expect(terminal.written.err.split('\r\x1b[2K')).toHaveLength(4);
    expect(terminal.written.err.endsWith('\r\x1b[2K')).toBe(true);
  });

  test('writes whole lines elsewhere: at each phase, then every other second', () => {
    const terminal = terminalDouble(false);
    let time = 0;
    const view = progressView(terminal, false, () => time);
    for (time = 0; time < 5000; time += 100) view.show(event({ done: time / 100 }));
    view.show(event({ phase: 'head', done: 0, total: 1 }));
    view.clear();
    const lines = terminal.written.err.trimEnd().split('\n');
    expect(lines).toHaveLength(4);
    expect(lines[3]).toMatch(/^Head/);
    expect(terminal.written.err).not.toContain('\x1b');
  });

  test('writes nothing when quiet', () => {
    const terminal = terminalDouble(true);
    const view = progressView(terminal, true);
    view.show(event({}));
    view.clear();
    expect(terminal.written.err).toBe('');
  });
});
