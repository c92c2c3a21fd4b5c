import type { ReactElement } from 'react';
import type { Detail } from '../../plots/select-detail';

/** What the report knows of a stage, over all of its tokens. */
export function DetailTable({ detail }: { readonly detail: Detail }): ReactElement {
  return (
    <div className="scroll detail">
      <table>
        <thead>
          <tr>
            <th scope="col">
              <span className="visually-hidden">Quantity</span>
            </th>
            <th scope="col">free-running</th>
            <th scope="col">isolated</th>
          </tr>
        </thead>
        <tbody>
          {detail.lines.map((line, i) => (
            <tr key={i}>
              <th scope="row" className="word">
                {line.title}
              </th>
              <td className={line.bad.includes('free') ? 'bad' : undefined}>{line.free}</td>
              <td className={line.bad.includes('isolated') ? 'bad' : undefined}>{line.isolated}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
