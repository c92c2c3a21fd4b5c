import { useState, type ReactElement, type ReactNode } from 'react';

/** The figure's values as an accessible table. Built only when opened. */
export function FigureTable(props: { readonly title: string; readonly children: () => ReactNode }): ReactElement {
  const [open, setOpen] = useState(false);
  return (
    <details
      className="figure-table"
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
