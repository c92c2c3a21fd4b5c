import { useEffect } from 'react';
import { commandForKey } from '../store/commands';
import { useApp, useAppStore } from './use-app';

/** `document.documentElement.dataset.state`, for whoever drives the page. */
export function useStateAttribute(): void {
  const phase = useApp((s) => s.phase);
  useEffect(() => {
    document.documentElement.dataset['state'] = phase;
  }, [phase]);
}

/** Keys of the command table, anywhere on the page. */
export function useCommandKeys(): void {
  const store = useAppStore();
  useEffect(() => {
    const pressed = (event: KeyboardEvent): void => {
      const modified = event.ctrlKey || event.metaKey || event.altKey;
      const found = commandForKey({ key: event.key, modified, typing: isTyping(event.target) }, store.getState());
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
      const files = event.dataTransfer?.files;
      if (files === undefined || files.length === 0) return;
      event.preventDefault();
      void store.actions.open(sourcesOfFiles(files));
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

/** Dropped or picked files as sources, parts of a split model in order. */
export function sourcesOfFiles(files: FileList): { kind: 'blob'; name: string; blob: Blob }[] {
  return [...files]
    .sort((a, b) => a.name.localeCompare(b.name, 'en'))
    .map((file) => ({ kind: 'blob', name: file.name, blob: file }));
}

function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (target instanceof HTMLInputElement) return !['radio', 'checkbox', 'button', 'file'].includes(target.type);
  return target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement || target.isContentEditable;
}
