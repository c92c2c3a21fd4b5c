import { useState, type ReactElement } from 'react';
import type { ErrorData } from '../../base/errors';
import type { SelftestClient, SelftestOrder } from '../../selftest/selftest-client';
import type { SelftestReport } from '../../selftest/selftest-report';
import { selftestText } from '../../selftest/selftest-text';
import { ErrorDetail } from '../ErrorNotice';
import { AtlasPart } from './AtlasPart';
import { FailedCases, IdleCases } from './CaseLists';
import { CaseTable } from './CaseTable';
import { KernelTable } from './KernelTable';
import { SelftestHeadline } from './SelftestHeadline';
import { useSelftest } from './use-selftest';

/** What the page needs of the browser. */
export interface SelftestHost {
  copyText(text: string): Promise<void>;
  saveFile(name: string, mediaType: string, text: string): void;
}

/** The self-test of this browser's GPU: no model, no trace. */
export function SelftestPage(props: {
  readonly client: SelftestClient;
  readonly host: SelftestHost;
  readonly order: SelftestOrder;
  readonly onOutcome: (outcome: SelftestReport | ErrorData) => void;
}): ReactElement {
  const { client, host, order } = props;
  const { state, run, cancel, tell } = useSelftest(client, order, props.onOutcome);
  const [everything, setEverything] = useState(order.everything);
  const { phase, report, rows, error, told } = state;
  const copy = (what: string, text: string): void => {
    host.copyText(text).then(
      () => {
        tell(`${what} copied.`);
      },
      () => {
        tell('The browser did not let the page copy. Save the JSON instead, or allow the clipboard for this page.');
      },
    );
  };
  return (
    <>
      <header className="masthead">
        <b>MoEscope</b>
        <span className="file">self-test of this GPU</span>
        <nav aria-label="Pages">
          <a className="link" href="./">
            Trace a model
          </a>
        </nav>
      </header>
      <main className="selftest">
        <SelftestHeadline state={state} />
        {error === undefined ? null : (
          <div className="problem" role="alert">
            <p className="message">{error.message}</p>
            <ErrorDetail error={error} />
            <p>{error.remedy}</p>
            <p className="actions">
              <code className="code" data-testid="error-code">
                {error.code}
              </code>
            </p>
          </div>
        )}
        <div className="actions">
          {phase === 'running' ? (
            <button type="button" className="button quiet" onClick={cancel}>
              Cancel
            </button>
          ) : (
            <button
              type="button"
              className="button quiet"
              onClick={() => {
                run({ ...order, everything });
              }}
            >
              Run it again
            </button>
          )}
          {report === undefined ? null : (
            <>
              <button
                type="button"
                className="button"
                onClick={() => {
                  copy('Text', selftestText(report));
                }}
              >
                Copy as text
              </button>
              <button
                type="button"
                className="button quiet"
                onClick={() => {
                  copy('JSON', JSON.stringify(report, undefined, 2));
                }}
              >
                Copy as JSON
              </button>
              <button
                type="button"
                className="button quiet"
                onClick={() => {
                  host.saveFile('moescope-selftest.json', 'application/json', JSON.stringify(report, undefined, 2));
                }}
              >
                Save JSON
              </button>
            </>
          )}
          {report?.adapter.isSoftware === true ? (
            <label className="check">
              <input
                type="checkbox"
                checked={everything}
                onChange={(event) => {
                  setEverything(event.currentTarget.checked);
                }}
              />
              also what is left out
            </label>
          ) : null}
          <span role="status" className="told">
            {told}
          </span>
        </div>
        <FailedCases rows={rows} />
        <KernelTable rows={rows} />
        <IdleCases rows={rows} />
        {report === undefined ? null : (
          <AtlasPart
            report={report}
            save={(name, text) => {
              host.saveFile(name, 'application/json', text);
            }}
          />
        )}
        <CaseTable rows={phase === 'running' ? [] : rows} />
      </main>
    </>
  );
}
