import type { ReactElement } from 'react';
import type { ErrorData } from '../base/errors';

/** A failure with its remedy and code. @param role `alert` for one that has just come about */
export function Problem(props: { readonly error: ErrorData; readonly role?: 'alert' }): ReactElement {
  const { message, remedy, code } = props.error;
  return (
    <div className="problem" role={props.role}>
      <p>{message}</p>
      <p>{remedy}</p>
      <code>{code}</code>
    </div>
  );
}
