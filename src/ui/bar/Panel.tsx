import { useEffect, useId, useRef, type ReactElement, type ReactNode } from 'react';
import { useActions } from '../use-app';

/** What a field of the run bar opens below it. Closes on Escape, and when something beside the bar is pressed. */
export function Panel(props: {
  readonly title: string;
  /** Below the end of the bar, where its field is. */
  readonly end?: boolean;
  readonly children: ReactNode;
}): ReactElement {
  const { title, end = false, children } = props;
  const ref = useRef<HTMLDivElement>(null);
  const heading = useId();
  const { togglePanel } = useActions();
  useEffect(() => {
    const pressed = (event: PointerEvent): void => {
      const { target } = event;
      if (target instanceof Element && target.closest('.run-bar, dialog') === null) togglePanel(undefined);
    };
    document.addEventListener('pointerdown', pressed);
    return () => {
      document.removeEventListener('pointerdown', pressed);
    };
  }, [togglePanel]);
  return (
    <div
      ref={ref}
      className={end ? 'bar-panel end' : 'bar-panel'}
      role="group"
      aria-labelledby={heading}
      onKeyDown={(event) => {
        if (event.key !== 'Escape') return;
        event.stopPropagation();
        togglePanel(undefined);
      }}
    >
      <h2 id={heading}>{title}</h2>
      {children}
    </div>
  );
}
