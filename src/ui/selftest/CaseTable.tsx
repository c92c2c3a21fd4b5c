import type { ReactElement } from 'react';
import { formatMetric, plural } from '../../base/format';
import type { SelftestRow } from '../../selftest/selftest-report';
import { statusText } from '../../selftest/selftest-text';
import { FigureTable } from '../FigureTable';

/** Every case, folded away. */
export function CaseTable({ rows }: { readonly rows: readonly SelftestRow[] }): ReactElement | null {
  if (rows.length === 0) return null;
  return (
    <FigureTable title={`Every case (${plural(rows.length, 'row')})`}>
      {() => (
        <table className="cases">
          <thead>
            <tr>
              <th scope="col">Kernel</th>
              <th scope="col">Types</th>
              <th scope="col">Shape</th>
              <th scope="col" className="number">
                Error / bound
              </th>
              <th scope="col">Verdict</th>
            </tr>
          </thead>
          <tbody>
            {rows.map(({ kernel, types, shape, status, ratio, note }, i) => (
              <tr key={i} className={status}>
                <th scope="row">
                  <code>{kernel}</code>
                </th>
                <td>{types.join(' ')}</td>
                <td>{shape}</td>
                <td className="number">{ratio === undefined ? '–' : formatMetric(ratio)}</td>
                <td title={note}>{statusText(status)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </FigureTable>
  );
}
