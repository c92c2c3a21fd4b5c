import { createContext, useCallback, useContext, useEffect, useState, type RefObject } from 'react';
import { useStore } from 'zustand';
import type { AppActions, AppStore } from '../store/app-store';
import { createFollowing, followedOf, type Followed, type Following } from '../store/following';
import type { AppState } from '../store/state';

/** The page's store; given once, by main.tsx. */
export const StoreContext = createContext<AppStore | undefined>(undefined);

export function useAppStore(): AppStore {
  const store = useContext(StoreContext);
  if (store === undefined) throw new Error('StoreContext is missing');
  return store;
}

/** A part of the state; the component is drawn again when that part changes. */
export function useApp<T>(select: (state: AppState) => T): T {
  return useStore(useAppStore(), select);
}

export function useActions(): AppActions {
  return useAppStore().actions;
}

/** Asks for the place in hand at the moment of an event: figures may be a moment behind it. */
export function usePlaceNow(): () => Followed {
  const store = useAppStore();
  return useCallback(() => followedOf(store.getState()), [store]);
}

const followings = new WeakMap<AppStore, Following>();

function followingOf(store: AppStore): Following {
  let following = followings.get(store);
  if (following === undefined) {
    following = createFollowing(store, (task) => setTimeout(task, 0));
    followings.set(store, following);
  }
  return following;
}

/** The place in hand for a figure, which follows a moment later: at once where `figure` has the focus, after the others where not. */
export function useFollowed(figure: RefObject<HTMLElement | null>): Followed {
  const following = followingOf(useAppStore());
  const [followed, setFollowed] = useState(following.now);
  useEffect(() => {
    setFollowed(following.now);
    return following.add({
      follow: setFollowed,
      leads: () => figure.current?.contains(document.activeElement) ?? false,
    });
  }, [following, figure]);
  return followed;
}
