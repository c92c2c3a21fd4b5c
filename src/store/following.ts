import type { Place } from '../plots/select-walk';
import type { AppState } from './state';
import { selectPlace, selectView } from './view';

/** What figures follow: the place in hand, and what the person chose of it. */
export interface Followed {
  readonly place: Place | undefined;
  readonly selection: Place | undefined;
}

/** A figure that follows. */
export interface Follower {
  /** Draws this. */
  follow(followed: Followed): void;
  /** Whether it is the figure that was clicked on or walked over: that one comes first. */
  leads(): boolean;
}

export interface Following {
  now(): Followed;
  /** Followers come in the order in which they were added; returns how to leave. */
  add(follower: Follower): () => void;
}

interface Store {
  getState(): AppState;
  subscribe(listener: (state: AppState) => void): () => void;
}

/**
 * Lets figures follow the place in hand one after the other, a task each: a page of many figures answers a click with the figure that was
 * clicked on, and no task holds up the next input. A place overtaken by a newer one is not drawn any more. Another trace reaches all at once.
 */
export function createFollowing(store: Store, later: (task: () => void) => void): Following {
  const followers = new Map<Follower, Followed>();
  let target = followedOf(store.getState());
  let trace = selectView(store.getState())?.rows;
  let waiting = false;

  const step = (): void => {
    waiting = false;
    const behind = [...followers].filter(([, has]) => !same(has, target)).map(([follower]) => follower);
    const next = behind.find((follower) => follower.leads()) ?? behind[0];
    if (next === undefined) return;
    followers.set(next, target);
    next.follow(target);
    if (behind.length > 1) wait();
  };
  const wait = (): void => {
    if (waiting) return;
    waiting = true;
    later(step);
  };

  store.subscribe((state) => {
    const rows = selectView(state)?.rows;
    const now = followedOf(state);
    const isOther = rows !== trace;
    trace = rows;
    if (same(now, target)) return;
    target = now;
    if (!isOther) wait();
    else
      for (const follower of followers.keys()) {
        followers.set(follower, target);
        follower.follow(target);
      }
  });

  return {
    now: () => target,
    add: (follower) => {
      followers.set(follower, target);
      return () => {
        followers.delete(follower);
      };
    },
  };
}

/** Of this very moment. */
export function followedOf(state: AppState): Followed {
  return { place: selectPlace(state), selection: state.selection };
}

function same(x: Followed, y: Followed): boolean {
  return x === y || (samePlace(x.place, y.place) && samePlace(x.selection, y.selection));
}

function samePlace(x: Place | undefined, y: Place | undefined): boolean {
  if (x === undefined || y === undefined) return x === y;
  return x.layer === y.layer && x.stage === y.stage && x.position === y.position;
}
