import type { ReactElement } from 'react';
import type { ErrorData } from '../base/errors';
import { Pairs } from './Pairs';
import { offersFor, take } from '../store/offers';
import { useActions, useApp, useAppStore } from './use-app';

/** What went wrong, what was expected, and what would be right. */
export function ErrorNotice(): ReactElement | null {
  const error = useApp((s) => s.error);
  const { dismissError, openDialog } = useActions();
  const looked = useApp((s) => s.looked);
  const store = useAppStore();
  const opened = useApp((s) => s.opened);
  const options = useApp((s) => s.options);
  if (error === undefined) return null;
  const offers = offersFor({ error, opened, options });
  return (
    <div className="problem" role="alert">
      <p className="message">{error.message}</p>
      <ErrorDetail error={error} />
      <p>{error.remedy}</p>
      <p className="actions">
        {offers.map((offer) => (
          <button
            key={offer.title}
            type="button"
            className="button quiet"
            onClick={() => {
              take(offer, store);
            }}
          >
            {offer.title}
          </button>
        ))}
        {looked === undefined ? null : (
          <button
            type="button"
            className="button quiet"
            onClick={() => {
              openDialog('file');
            }}
          >
            What the file says
          </button>
        )}
        <button type="button" className="button quiet" onClick={dismissError}>
          Dismiss
        </button>
        <code className="code" data-testid="error-code">
          {error.code}
        </code>
      </p>
    </div>
  );
}

/** Expected and actual, names and numbers; a stack trace goes behind a fold. */
export function ErrorDetail({ error }: { readonly error: ErrorData }): ReactElement | null {
  const { stack, ...detail } = error.detail;
  const items = Object.entries(detail).map(([name, value]) => [name, String(value)] as const);
  if (items.length === 0 && stack === undefined) return null;
  return (
    <>
      {items.length === 0 ? null : <Pairs items={items} />}
      {stack === undefined ? null : (
        <details className="figure-table">
          <summary>Stack</summary>
          <pre>{String(stack)}</pre>
        </details>
      )}
    </>
  );
}
