import type { ReactElement } from 'react';
import { adapterName } from '../../share/provenance';
import type { SelftestState } from './selftest-state';

/** The verdict in one sentence, where it holds, and how far a running self-test is. */
export function SelftestHeadline({ state }: { readonly state: SelftestState }): ReactElement {
  const { phase, report, rows, total } = state;
  const [status = '', ...rest] = (report?.verdict.sentence ?? '').split(': ');
  const last = rows.at(-1);
  return (
    <div className="head">
      <p className="kicker">
        <b>Self-test</b>
        {report === undefined ? null : (
          <>
            <span>{adapterName(report.adapter)}</span>
            {report.browser === undefined ? null : (
              <span>
                {report.browser.name} {report.browser.version}
              </span>
            )}
            <span>
              MoEscope {report.tool.version}, {report.created.slice(0, 10)}, {report.seconds.toFixed(1)} s
            </span>
          </>
        )}
      </p>
      {report === undefined ? (
        <h1>{PLAIN[phase]}</h1>
      ) : (
        <h1 data-testid="verdict">
          <span className={`status ${report.verdict.status}`}>{status}</span>: {rest.join(': ')}
        </h1>
      )}
      <p className="why">
        Every kernel is run alone on seeded data of awkward shapes, and each value is held to what an honest f32 kernel
        may be off by. A red kernel here is the browser’s, the driver’s or MoEscope’s, whatever the model.
      </p>
      {phase === 'running' ? (
        <div className="progress">
          <div
            className="bar"
            role="progressbar"
            aria-label="Progress of the self-test"
            aria-valuemin={0}
            aria-valuemax={Math.max(1, total)}
            aria-valuenow={rows.length}
            aria-valuetext={`${String(rows.length)} of ${String(total)} cases`}
          >
            <i style={{ width: `${String((100 * rows.length) / Math.max(1, total))}%` }} />
          </div>
          <p className="figures">
            <span>
              {rows.length} of {total} cases
            </span>
            <code>{last === undefined ? 'compiling' : `${last.kernel} ${last.types.join(' ')}`}</code>
          </p>
        </div>
      ) : null}
    </div>
  );
}

const PLAIN: Readonly<Record<SelftestState['phase'], string>> = {
  running: 'Holding this GPU’s kernels against their reference implementations…',
  done: '',
  cancelled: 'Cancelled: what ran until then is below, and is no verdict.',
  error: 'The self-test did not run to its end.',
};
