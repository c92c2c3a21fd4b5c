import type { ReactElement } from 'react';
import { formatCount } from '../../base/format';
import type { CompareMode, Row } from '../../divergence/report';
import { humanNumber } from '../../plots/map/human-number';
import { basesOf, valueOf } from '../../plots/map/measure';
import type { MapData } from '../../plots/map/map-types';
import type { Place } from '../../plots/select-walk';
import { Human } from '../face/Words';
import { Term } from '../face/Term';

const TITLES = { local: 'local', isolated: 'isolated', free: 'free-running' } as const;

/** The same stage in every judgement that the trace has. */
export function ReadersAndSources({
  data,
  place,
}: {
  readonly data: MapData;
  readonly place: Place;
}): ReactElement | null {
  const bases = basesOf(data.view);
  const rows = bases.map((basis) => ({ basis, row: data.row(basis, place.stage, place.layer) }));
  if (rows.every(({ row }) => row === undefined)) return null;
  const nan = rows.some(({ row }) => badOf(row) > 0);
  return (
    <section className="part">
      <table className="pairs-table ways">
        <thead>
          <tr>
            <th scope="col">{bases.length > 1 ? 'each way' : 'measured'}</th>
            {bases.map((basis) => (
              <th scope="col" key={basis}>
                <Term id={basis}>{TITLES[basis]}</Term>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          <tr>
            <th scope="row">relative L2</th>
            {rows.map(({ basis, row }) => (
              <Cell key={basis} value={valueOf(row, 'l2')} over={isOver(row, basis, data.limit)} />
            ))}
          </tr>
          <tr>
            <th scope="row">error ÷ bound</th>
            {rows.map(({ basis, row }) => {
              if (basis === 'free') {
                return (
                  <td key={basis} className="quiet">
                    no bound
                  </td>
                );
              }
              const ratio = valueOf(row, 'ratio');
              return <Cell key={basis} value={ratio} over={ratio !== undefined && !(ratio <= 1)} />;
            })}
          </tr>
          {nan ? (
            <tr>
              <th scope="row">not finite</th>
              {rows.map(({ basis, row }) => (
                <td key={basis} className={badOf(row) > 0 ? 'wrong' : undefined}>
                  {formatCount(badOf(row))}
                </td>
              ))}
            </tr>
          ) : null}
          <tr>
            <th scope="row">values compared</th>
            {rows.map(({ basis, row }) => (
              <td key={basis}>{row === undefined ? '–' : formatCount(row.count)}</td>
            ))}
          </tr>
        </tbody>
      </table>
    </section>
  );
}

function Cell({ value, over }: { readonly value: number | undefined; readonly over: boolean }): ReactElement {
  return (
    <td className={over ? 'wrong' : undefined}>
      <Human value={humanNumber(value)} />
    </td>
  );
}

function isOver(row: Row | undefined, basis: CompareMode, limit: number): boolean {
  const value = valueOf(row, 'l2');
  if (value === undefined) return false;
  return basis === 'free' ? !(value <= limit) : row?.verdict === 'diverge' && !(value <= limit);
}

function badOf(row: Row | undefined): number {
  return (row?.nanA ?? 0) + (row?.infA ?? 0) + (row?.nanB ?? 0) + (row?.infB ?? 0);
}
