import { useMemo, type ReactElement } from 'react';
import { selectDetail } from '../../plots/select-detail';
import type { TraceView } from '../../plots/trace-view';
import { selectPlace } from '../../store/view';
import { useApp } from '../use-app';

/** Everything the report knows of the stage in hand. */
export function DetailPanel({ view }: { readonly view: TraceView }): ReactElement | null {
  const place = useApp(selectPlace);
  const detail = useMemo(() => (place === undefined ? undefined : selectDetail(view, place)), [view, place]);
  if (detail === undefined) return null;
  return (
    <section className="detail">
      <h2>{detail.heading}</h2>
      {detail.tensor === undefined ? null : (
        <p className="why">
          reads <code>{detail.tensor}</code>
        </p>
      )}
      <div className="scroll">
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
    </section>
  );
}
