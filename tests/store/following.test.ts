import { describe, expect, test } from 'vitest';
import type { Place } from '../../src/plots/select-walk';
import { createFollowing, type Followed } from '../../src/store/following';
import { FIRST_STATE, type AppState } from '../../src/store/state';
import { generateReport } from '../support/reports';

const report = generateReport({ kind: 'qtype-blind' });
const other = generateReport({ kind: 'clean' });
const at = (layer: number): Place => ({ layer, stage: 'moe_router', position: 0 });

function stage(): {
  readonly set: (change: Partial<AppState>) => void;
  readonly store: Parameters<typeof createFollowing>[0];
  /** Runs one of the tasks that were put off; false when there is none. */
  readonly step: () => boolean;
  readonly later: (task: () => void) => void;
} {
  let state: AppState = { ...FIRST_STATE, report };
  const listeners: ((state: AppState) => void)[] = [];
  const tasks: (() => void)[] = [];
  return {
    set: (change) => {
      state = { ...state, ...change };
      for (const listener of listeners) listener(state);
    },
    store: {
      getState: () => state,
      subscribe: (listener) => {
        listeners.push(listener);
        return () => undefined;
      },
    },
    step: () => {
      const task = tasks.shift();
      task?.();
      return task !== undefined;
    },
    later: (task) => tasks.push(task),
  };
}

describe('figures that follow the place in hand', () => {
  const followers = (following: ReturnType<typeof createFollowing>, leader: string): string[] => {
    const said: string[] = [];
    for (const name of ['first', 'second', 'third']) {
      following.add({
        follow: (followed: Followed) => said.push(`${name} ${String(followed.place?.layer)}`),
        leads: () => name === leader,
      });
    }
    return said;
  };

  test('come one a task, the one that was pointed at first', () => {
    const { set, store, step, later } = stage();
    const said = followers(createFollowing(store, later), 'second');
    set({ selection: at(1) });
    expect(said).toEqual([]);
    expect(step()).toBe(true);
    expect(said).toEqual(['second 1']);
    while (step());
    expect(said).toEqual(['second 1', 'first 1', 'third 1']);
  });

  test('leave out a place that was overtaken', () => {
    const { set, store, step, later } = stage();
    const said = followers(createFollowing(store, later), 'first');
    set({ selection: at(1) });
    step();
    set({ selection: at(2) });
    while (step());
    expect(said).toEqual(['first 1', 'first 2', 'second 2', 'third 2']);
  });

  test('are asked nothing when the place stays, and not after they have left', () => {
    const { set, store, step, later } = stage();
    const following = createFollowing(store, later);
    const said: Followed[] = [];
    const leave = following.add({ follow: (followed) => said.push(followed), leads: () => false });
    set({ selection: at(1) });
    while (step());
    set({ selection: at(1), announcement: 'again' });
    expect(step()).toBe(false);
    leave();
    set({ selection: at(2) });
    while (step());
    expect(said.map((followed) => followed.selection?.layer)).toEqual([1]);
    expect(following.now().place?.layer).toBe(2);
  });

  test('all change at once with another trace, whose layers may be others', () => {
    const { set, store, step, later } = stage();
    set({ selection: at(1) });
    const said = followers(createFollowing(store, later), 'third');
    set({ report: other, selection: undefined });
    expect(said).toHaveLength(3);
    expect(step()).toBe(false);
  });
});
