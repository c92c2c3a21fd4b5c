import type { ReactElement } from 'react';
import { formatMetric, visibleToken } from '../../base/format';
import type { CoveredPath, DecodedStep, Report } from '../../divergence/report';
import { locationText } from '../../model/location';
import { pathTitle } from '../../model/run-paths';
import { selectShown } from '../../store/view';
import { ScrollTable } from '../ScrollTable';
import { useApp } from '../use-app';

/** Tokens behind the prompt that were judged stage by stage, and the other ways in which the run was tried. */
export function BehindPanel(): ReactElement | null {
  const shown = useApp(selectShown);
  if (shown.kind !== 'report' && shown.kind !== 'recorded') return null;
  const { decoded = [], coverage } = shown.report;
  const paths = (coverage?.paths ?? []).filter(({ path }) => path !== 'prompt');
  if (decoded.length === 0) return null;
  return (
    <section className="behind" aria-label="Behind the prompt" data-testid="behind">
      <h2>Behind the prompt</h2>
      <p className="cap">Each token judged by its own inputs, at every stage, as the prompt is.</p>
      <ScrollTable
        label="Decoded tokens"
        columns={[['Token'], ['made by'], ['verdict'], ['error ÷ bound, at most'], ['at']]}
      >
        {decoded.map((step) => (
          <DecodedRow key={`${step.by ?? ''} ${String(step.position)}`} step={step} report={shown.report} />
        ))}
      </ScrollTable>
      {paths.length === 0 ? null : (
        <ul className="ways-run" aria-label="Ways of running">
          {paths.map((path) => (
            <PathLine key={path.path} path={path} />
          ))}
        </ul>
      )}
    </section>
  );
}

function DecodedRow({ step, report }: { readonly step: DecodedStep; readonly report: Report }): ReactElement {
  const { by, token, position, status, worst } = step;
  const text = [...report.top.a, ...report.top.b].find((top) => top.token === token)?.text;
  return (
    <tr>
      <th scope="row">
        {position} {text === undefined ? null : <code>{visibleToken(text)}</code>}{' '}
        {token === undefined ? null : <small>{token}</small>}
      </th>
      <td className="word">{by === 'decoder' ? 'the fast decoder' : 'the engine'}</td>
      <td className={status === 'match' ? 'word' : 'word differs'}>{status}</td>
      <td>{formatMetric(worst?.ratio)}</td>
      <td className="word">{worst === undefined ? '' : locationText(worst)}</td>
    </tr>
  );
}

function PathLine({ path: { path, ran, why, status } }: { readonly path: CoveredPath }): ReactElement {
  const outcome = !ran ? (why ?? 'did not run') : (status ?? 'ran');
  return (
    <li>
      {pathTitle(path)}:{' '}
      <b className={ran && status !== undefined && status !== 'match' ? 'wrong' : undefined}>{outcome}</b>
    </li>
  );
}
