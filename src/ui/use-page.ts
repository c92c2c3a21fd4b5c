import { useEffect } from 'react';
import { commandForKey } from '../store/commands';
import { droppedSources } from './dropped-files';
import { useAppStore } from './use-app';

/** Keys of the command table, anywhere on the page. */
export function useCommandKeys(): void {
  const store = useAppStore();
  useEffect(() => {
    const pressed = (event: KeyboardEvent): void => {
      const press = {
        key: event.key,
        chord: event.ctrlKey || event.metaKey,
        alt: event.altKey,
        typing: isTyping(event.target),
      };
      const found = commandForKey(press, store.getState());
      if (found === undefined || event.defaultPrevented) return;
      event.preventDefault();
      found.run(store);
    };
    window.addEventListener('keydown', pressed);
    return () => {
      window.removeEventListener('keydown', pressed);
    };
  }, [store]);
}

/** A link pasted into the address of the open page is followed, and so are Back and Forward. */
export function useLinkInAddress(): void {
  const { followLink } = useAppStore().actions;
  useEffect(() => {
    window.addEventListener('hashchange', followLink);
    return () => {
      window.removeEventListener('hashchange', followLink);
    };
  }, [followLink]);
}

/** Files may be dropped anywhere, at any time. */
export function useFileDrop(): void {
  const store = useAppStore();
  useEffect(() => {
    const { classList } = document.documentElement;
    const hasFiles = (event: DragEvent): boolean => event.dataTransfer?.types.includes('Files') ?? false;
    const over = (event: DragEvent): void => {
      if (!hasFiles(event)) return;
      event.preventDefault();
      classList.add('dropping');
    };
    const leave = (event: DragEvent): void => {
      if (event.relatedTarget === null) classList.remove('dropping');
    };
    const drop = (event: DragEvent): void => {
      classList.remove('dropping');
      const { dataTransfer } = event;
      if (dataTransfer === null || !hasFiles(event)) return;
      event.preventDefault();
      // The entries must be taken now: the browser empties the transfer when the event is over.
      void droppedSources(dataTransfer).then((sources) => store.actions.openFiles(sources));
    };
    window.addEventListener('dragenter', over);
    window.addEventListener('dragover', over);
    window.addEventListener('dragleave', leave);
    window.addEventListener('drop', drop);
    return () => {
      window.removeEventListener('dragenter', over);
      window.removeEventListener('dragover', over);
      window.removeEventListener('dragleave', leave);
      window.removeEventListener('drop', drop);
    };
  }, [store]);
}

function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (target instanceof HTMLInputElement) return !['radio', 'checkbox', 'button', 'file'].includes(target.type);
  return target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement || target.isContentEditable;
}
