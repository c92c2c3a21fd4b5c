import { createContext, useContext } from 'react';
import { useStore } from 'zustand';
import type { AppActions, AppStore } from '../store/app-store';
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
