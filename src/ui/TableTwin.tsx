import { useState, type ReactElement, type ReactNode } from 'react';

/** A figure's values as a table, for whoever reads better than looks. Built only when opened. */
export function TableTwin(props: { readonly title: string; readonly children: () => ReactNode }): ReactElement {
  const [open, setOpen] = useState(false);
  return (
    <details
      className="twin"
      onToggle={(event) => {
        setOpen(event.currentTarget.open);
      }}
    >
      <summary>{props.title}</summary>
      {open ? (
        <div className="scroll tall" tabIndex={0} role="region" aria-label={props.title}>
          {props.children()}
        </div>
      ) : null}
    </details>
  );
}
