import type { ReactElement } from 'react';
import { visibleToken } from '../../base/format';
import type { TopToken } from '../../divergence/report';
import { armTitle } from '../../plots/trace-view';
import { selectShown } from '../../store/view';
import { useApp } from '../use-app';

/** What each arm would say next. */
export function TopTokens(): ReactElement | null {
  const shown = useApp(selectShown);
  if (shown.kind !== 'report' && shown.kind !== 'recorded') return null;
  const { a, b } = shown.report.top;
  const sides = [
    { name: armTitle(shown.view.arms[1]), tokens: b, other: a },
    { name: armTitle(shown.view.arms[0]), tokens: a, other: b },
  ].filter((side) => side.tokens.length > 0);
  if (sides.length === 0) return null;
  const ranks = Math.max(...sides.map((side) => side.tokens.length));
  return (
    <section className="detail next-token">
      <h2>Next token</h2>
      <div className="scroll">
        <table>
          <thead>
            <tr>
              <th scope="col">Rank</th>
              {sides.map((side) => (
                <th scope="col" colSpan={2} key={side.name} className="word">
                  {side.name}, logit
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {Array.from({ length: ranks }, (_, rank) => (
              <tr key={rank}>
                <th scope="row">{rank + 1}</th>
                {sides.map((side) => (
                  <TokenCells key={side.name} token={side.tokens[rank]} other={side.other[rank]} />
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

function TokenCells(props: {
  readonly token: TopToken | undefined;
  readonly other: TopToken | undefined;
}): ReactElement {
  const { token, other } = props;
  if (token === undefined) return <td colSpan={2} />;
  const differs = other !== undefined && other.token !== token.token;
  return (
    <>
      <td className={differs ? 'word differs' : 'word'}>
        <code>{visibleToken(token.text)}</code> <small>{token.token}</small>
      </td>
      <td>{Number.isFinite(token.logit) ? token.logit.toFixed(3) : String(token.logit)}</td>
    </>
  );
}
