import type { ReactElement } from 'react';
import { plural } from '../../base/format';
import type { SelftestRow } from '../../selftest/selftest-report';
import { idleReasons } from '../../selftest/selftest-text';

/** Every case that is red, with its value. */
export function FailedCases({ rows }: { readonly rows: readonly SelftestRow[] }): ReactElement | null {
  const failed = rows.filter(({ status }) => status === 'fail');
  if (failed.length === 0) return null;
  return (
    <section data-testid="failed">
      <h2>Out of bounds</h2>
      <ul className="failed">
        {failed.map(({ kernel, types, shape, note }) => (
          <li key={`${kernel} ${types.join(' ')} ${shape}`}>
            <code>{kernel}</code>, {types.join(' ')}: {shape}
            <br />
            <span className="wrong">{note}</span>
          </li>
        ))}
      </ul>
    </section>
  );
}

/** Why cases did not run: never silently missing. */
export function IdleCases({ rows }: { readonly rows: readonly SelftestRow[] }): ReactElement | null {
  const reasons = idleReasons(rows);
  if (reasons.length === 0) return null;
  return (
    <section data-testid="idle">
      <h2>Not run</h2>
      <ul className="idle">
        {reasons.map(({ status, note, kernels, count }) => (
          <li key={status + note}>
            <b>{status === 'left-out' ? 'Left out' : 'Not applicable'}</b>: {plural(count, 'case')} of{' '}
            <code>{kernels.join(', ')}</code>: {note}.
          </li>
        ))}
      </ul>
    </section>
  );
}
