import { useEffect, useId, useRef, type ReactElement, type ReactNode } from 'react';
import { useActions } from '../use-app';

/** A modal dialog: the browser keeps the focus in it, Escape and a click beside it close it, and the focus goes back where it was. */
export function Dialog(props: {
  readonly title: string;
  readonly className?: string;
  /** The title is for screen readers; the dialog shows what it is. */
  readonly quiet?: boolean;
  readonly children: ReactNode;
}): ReactElement {
  const { closeDialog } = useActions();
  const ref = useRef<HTMLDialogElement>(null);
  const title = useId();
  useEffect(() => {
    const dialog = ref.current;
    const before = document.activeElement;
    if (dialog?.open === false) dialog.showModal();
    dialog?.querySelector<HTMLElement>('[data-first]')?.focus();
    return () => {
      dialog?.close();
      if (before instanceof HTMLElement && before.isConnected) before.focus();
    };
  }, []);
  return (
    <dialog
      ref={ref}
      className={props.className}
      aria-labelledby={title}
      onCancel={(event) => {
        event.preventDefault();
        closeDialog();
      }}
      onClick={(event) => {
        if (event.target === ref.current) closeDialog();
      }}
    >
      <div className="dialog-body">
        <header className={props.quiet === true ? 'visually-hidden' : undefined}>
          <h2 id={title} tabIndex={-1} data-first={props.quiet === true ? undefined : ''}>
            {props.title}
          </h2>
          <button type="button" className="link" onClick={closeDialog}>
            Close <kbd aria-hidden="true">Esc</kbd>
          </button>
        </header>
        {props.children}
      </div>
    </dialog>
  );
}
