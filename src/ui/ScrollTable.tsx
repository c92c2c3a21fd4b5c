import type { ReactElement, ReactNode } from 'react';

/** A column of a table: its title, and whether it holds words, which are set to the left. */
export type Column = readonly [title: string, kind?: 'word'];

/** A table that scrolls by itself, by keyboard too. */
export function ScrollTable(props: {
  /** Its accessible name. */
  readonly label: string;
  readonly columns: readonly Column[];
  /** The rows. */
  readonly children: ReactNode;
  readonly testId?: string;
  readonly below?: ReactNode;
}): ReactElement {
  return (
    <div className="scroll" tabIndex={0} role="region" aria-label={props.label}>
      <table data-testid={props.testId}>
        <thead>
          <tr>
            {props.columns.map(([title, kind]) => (
              <th key={title} scope="col" className={kind}>
                {title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>{props.children}</tbody>
      </table>
      {props.below}
    </div>
  );
}
