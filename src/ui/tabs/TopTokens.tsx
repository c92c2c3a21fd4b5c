import type { ReactElement } from 'react';
import { visibleToken } from '../../base/format';
import type { TopToken } from '../../divergence/report';
import { selectShown } from '../../store/view';
import { useApp } from '../use-app';

/** What each side would say next; no ranking where nothing can be ranked. */
export function TopTokens(): ReactElement {
  const shown = useApp(selectShown);
  const top = shown.kind === 'report' || shown.kind === 'recorded' ? shown.report.top : { a: [], b: [] };
  const { a, b } = top;
  const names = shown.kind === 'none' ? ['', ''] : shown.view.sides;
  const sides = [
    { name: names[1] ?? '', tokens: b, other: a },
    { name: names[0] ?? '', tokens: a, other: b },
  ].filter((side) => side.tokens.length > 0);
  if (sides.length === 0) return <p className="cap">This trace does not say what comes next.</p>;
  const ranks = Math.max(...sides.map((side) => side.tokens.length));
  return (
    <section className="next-token">
      <p className="cap">{nextWords(a, b)}</p>
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

function nextWords(a: readonly TopToken[], b: readonly TopToken[]): string {
  const [x, y] = [a[0], b[0]];
  if (x === undefined || y === undefined) return 'One side ran alone.';
  if (!Number.isFinite(x.logit)) return 'The candidate ranks nothing: its logits are not finite.';
  return x.token === y.token
    ? 'Both sides would say the same token next.'
    : 'The two sides would say different tokens next.';
}

function TokenCells(props: {
  readonly token: TopToken | undefined;
  readonly other: TopToken | undefined;
}): ReactElement {
  const { token, other } = props;
  if (token === undefined) return <td colSpan={2} />;
  if (!Number.isFinite(token.logit)) {
    return (
      <td colSpan={2} className="word differs">
        no ranking
      </td>
    );
  }
  const differs = other !== undefined && other.token !== token.token;
  return (
    <>
      <td className={differs ? 'word differs' : 'word'}>
        <code>{visibleToken(token.text)}</code> <small>{token.token}</small>
      </td>
      <td>{token.logit.toFixed(3)}</td>
    </>
  );
}
